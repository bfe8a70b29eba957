from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.core.mail import EmailMessage
from django.db.models import Q

from mail import actions, kinds
from mail.emails import MailContent, build
from mail.kinds import Kind
from mail.models import Message

Enqueue = Callable[..., Message]

HELLO = MailContent(subject="Your code", text="Hello.", html="<p>Hello.</p>")


@pytest.fixture
def enqueue(now: datetime) -> Enqueue:
    """Puts a prerendered mail into the outbox and returns its row."""

    def enqueue(to: str = "alice@example.org", **fields: object) -> Message:
        before = set(Message.objects.values_list("pk", flat=True))
        defaults = {"kind": "account.code", "now": now, "content": HELLO}
        actions.enqueue(to=to, **(defaults | fields))
        return Message.objects.exclude(pk__in=before).get()

    return enqueue


@pytest.fixture
def once(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a registered kind that is sent at most once.

    A key with "unwanted" in it is skipped, one with "poison" cannot be built.
    """

    def compose(message: Message) -> EmailMessage:
        if "poison" in message.key:
            raise RuntimeError("alice@example.org cannot be built")
        return build(message, to=f"{message.key}@example.org", content=MailContent("A", "B", "C"))

    def still_wanted(now: datetime) -> Q:
        return ~Q(key__contains="unwanted")

    kind = Kind(
        name="once",
        at_most_once=True,
        compose=compose,
        retry_delays=(timedelta(minutes=15), timedelta(hours=1)),
        still_wanted=still_wanted,
    )
    monkeypatch.setitem(kinds._registered, kind.name, kind)
    return kind.name


@pytest.fixture
def patient(once: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kind `once` is good news on any later day too."""
    kind = replace(
        kinds._registered[once], tries_until_patience_ends=True, patience=timedelta(days=30)
    )
    monkeypatch.setitem(kinds._registered, once, kind)


@pytest.fixture
def plan(once: str, now: datetime) -> Callable[..., Message]:
    """Makes a due row of the kind `once`, addressed to its key at example.org."""

    def plan(key: str, **fields: object) -> Message:
        defaults = {"due_at": now, "created_at": now}
        return Message.objects.create(kind=once, key=key, **(defaults | fields))

    return plan
