from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from django.core.mail import EmailMessage
from django.db.models import Q
from pytest_django import Settings

from mail import actions, kinds
from mail.emails import Words, build
from mail.kinds import Kind
from mail.models import Message
from tests.support import smtp
from tests.support.smtp import Sink

Post = Callable[..., Message]

HELLO = Words(subject="Your code", text="Hello.", html="<p>Hello.</p>")


@pytest.fixture
def sink(settings: Settings) -> Iterator[Sink]:
    """A real mail server, and settings that point to it."""
    with smtp.running() as sink:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", sink.port
        yield sink


@pytest.fixture
def post(now: datetime) -> Post:
    """Puts a finished mail into the outbox and returns its row."""

    def post(to: str = "alice@example.org", **fields: object) -> Message:
        before = set(Message.objects.values_list("pk", flat=True))
        defaults = {"kind": "account.code", "now": now, "words": HELLO}
        actions.post(to=to, **(defaults | fields))
        return Message.objects.exclude(pk__in=before).get()

    return post


@pytest.fixture
def once(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a kind of mail that is never sent twice and that nobody wants at 99 tries."""

    def compose(message: Message) -> EmailMessage:
        if "poison" in message.key:
            raise RuntimeError("alice@example.org cannot be put into words")
        return build(message, to=f"{message.key}@example.org", words=Words("A", "B", "C"))

    def still_wanted(now: datetime) -> Q:
        return ~Q(key__contains="unwanted")

    kind = Kind(
        name="once",
        at_most_once=True,
        compose=compose,
        pauses=(timedelta(minutes=15), timedelta(hours=1)),
        still_wanted=still_wanted,
    )
    monkeypatch.setitem(kinds._registered, kind.name, kind)
    return kind.name


@pytest.fixture
def plan(once: str, now: datetime) -> Callable[..., Message]:
    """Makes a due row of the kind above; its key is also the name in its address."""

    def plan(key: str, **fields: object) -> Message:
        defaults = {"due_at": now, "created_at": now}
        return Message.objects.create(kind=once, key=key, **(defaults | fields))

    return plan
