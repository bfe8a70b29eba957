import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import cache
from html.parser import HTMLParser
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.core.cache import cache as limits
from django.db import connections
from django.http import HttpResponse

from accounts.actions import choose_name
from accounts.guide_settings import set_asks_why
from accounts.models import Profile, User
from healing.actions import mark_step, save_answer
from healing.draft_actions import keep_question
from healing.drafts import on_the_way
from healing.guide import guide
from healing.models import Answer, StepMark
from journal.models import Letter, Opening, Revision, Words
from journal.names_on_shelf import set_shows_names
from journal.opening_line_actions import add_opening
from pause.models import Pause
from reminders.actions import turn_on
from tests.support.client import Client
from tests.support.letters import a_letter
from tests.support.pauses import a_pause
from tests.support.private_words import ANSWER, BODY, EARLIER, NAME, OPENING, TO, UNSENT
from vault.sessions import Session

HOUR = timedelta(hours=1)
Rows = dict[str, list[str]]


@pytest.fixture(autouse=True)
def fresh_limits(db: None) -> Iterator[None]:
    """Rate limits count per IP address, which is the same one in every test."""
    limits.clear()
    yield
    limits.clear()


def keep_letter(person: User, now: datetime, *, to: str = TO, body: str = BODY) -> Letter:
    return a_letter(person, body, to=to, now=now)


def keep_words(person: User, now: datetime, *, words: str = ANSWER) -> Answer:
    step = guide().steps[1]
    answer = {"moments": [{"happened": words, "filled_in": words}], "stands_out": words}
    return save_answer(
        person=person, id=uuid4(), step=step, exercise=step.exercises[0], answer=answer, now=now
    )


@pytest.fixture
def letter(alice: User, now: datetime) -> Letter:
    return keep_letter(alice, now)


@pytest.fixture
def answer(alice: User, now: datetime) -> Answer:
    return keep_words(alice, now)


@pytest.fixture
def line(alice: User, now: datetime) -> Opening:
    add_opening(person=alice, kind="them", text=OPENING, now=now)
    return Opening.objects.get()


@pytest.fixture
def gone(alice: User, now: datetime) -> Letter:
    """Only a line is left of it."""
    return a_letter(alice, now=now, state="let_go", let_go_at=now - HOUR, leaves_line=True)


@pytest.fixture
def revision(alice: User, letter: Letter, now: datetime) -> Revision:
    return Revision.add(alice, letter, Words(TO, EARLIER), now=now)


@pytest.fixture
def pause(alice: User, now: datetime) -> Pause:
    """Of the day before, so that its words can be seen."""
    return a_pause(alice, UNSENT, trigger=UNSENT, now=now - timedelta(days=1))


@pytest.fixture
def profile(alice: User, now: datetime) -> Profile:
    choose_name(person=alice, name=NAME, now=now)
    row: Profile = Profile.objects.of(alice).get()
    return row


@pytest.fixture
def lived_in(
    alice: User,
    letter: Letter,
    revision: Revision,
    line: Opening,
    answer: Answer,
    pause: Pause,
    profile: Profile,
    now: datetime,
) -> User:
    """Alice, with a row of hers in every table that people write in."""
    mark_step(person=alice, step=guide().steps[2], state=StepMark.State.ASIDE, now=now)
    turn_on(person=alice, hour=18, zone="Europe/Dublin", now=now)
    set_shows_names(alice, shows_names=True)
    set_asks_why(alice, asks_why=True)
    writing = on_the_way(alice, guide().steps[7], "told-twice", None, locks=False)
    keep_question(
        person=alice, writing=writing, words={"as_i": ANSWER}, place=2, page=str(uuid4()), now=now
    )
    return alice


@pytest.fixture
def at(
    letter: Letter, gone: Letter, answer: Answer, revision: Revision, line: Opening, pause: Pause
) -> Callable[[str], str]:
    """Fill Alice’s ids into an example of tests/support/addresses.py."""
    hers = {"letter": letter, "gone": gone, "answer": answer, "revision": revision, "line": line}
    hers |= {"pause": pause}
    return lambda example: example.format(**{name: row.pk for name, row in hers.items()})


@pytest.fixture
def browser(alice: User) -> Client:
    """Alice’s. An error becomes a response, as on a server."""
    client = Client(raise_request_exception=False)
    client.force_login(alice)
    return client


def everything() -> Rows:
    """Every row of every table but sessions, as text, without the times of the last visit."""
    models, statement = _select()
    with connections["default"].cursor() as cursor:
        cursor.execute(statement)
        tables = cursor.fetchone()
    return {label: rows or [] for label, rows in zip(models, tables, strict=True)}


@cache
def _select() -> tuple[list[str], str]:
    """The labels of the models, and one statement for the rows of all: it is sent some hundred
    times."""
    selects = {}
    for model in apps.get_models(include_auto_created=True):
        columns = {field.column for field in model._meta.concrete_fields}
        kept = ", ".join(f'"{name}"' for name in sorted(columns - {"last_visit_at", "last_login"}))
        table, key = model._meta.db_table, model._meta.pk.column
        rows = f'SELECT {kept} FROM "{table}"'  # noqa: S608
        select = f'(SELECT array_agg(r::text ORDER BY r."{key}") FROM ({rows}) r)'  # noqa: S608
        if model is not Session:
            selects[model._meta.label] = select
    return [*selects], f"SELECT {', '.join(selects.values())}"


def counted() -> list[Any]:
    """The keys of all rate limits that have counted something."""
    with connections["cache"].cursor() as cursor:
        cursor.execute("SELECT cache_key FROM cache ORDER BY 1")
        return list(cursor.fetchall())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, ...]] = []
        self.said: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, *(name for name, _value in attrs)))
        self.said += [value for _name, value in attrs if value]

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def read(response: HttpResponse) -> _Reader:
    """The page as a browser parses it: its tags, and all its texts and values."""
    reader = _Reader()
    reader.feed(response.content.decode())
    reader.close()
    return reader


def seen(response: HttpResponse) -> str:
    """The page without its CSRF tokens, which differ each time."""
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", response.content.decode())
