"""Fixtures: tabs, and a person with something private of every sort."""

from datetime import datetime
from uuid import uuid4

import pytest

from accounts.actions import choose_name
from accounts.models import User
from healing import actions as healing
from healing.guide import guide
from journal.models import Letter
from tests.safety.leaving.tab import ANSWER, DEAR, LETTER, NAME, NewTab, Tab
from tests.support.browser import NewPage
from tests.support.client import Client
from tests.support.letters import a_letter


@pytest.fixture
def new_tab(new_page: NewPage) -> NewTab:
    def make(client: Client | None = None, *, scripts: bool = True) -> Tab:
        return Tab(new_page(client, scripts=scripts), scripts=scripts)

    return make


@pytest.fixture
def letter(alice: User, now: datetime) -> Letter:
    return a_letter(alice, LETTER, to=DEAR, now=now)


@pytest.fixture
def lived_in(alice: User, letter: Letter, now: datetime) -> User:
    """Alice, with something private of every sort."""
    choose_name(person=alice, name=NAME, now=now)
    step = guide().steps[1]
    healing.save_answer(
        person=alice,
        id=uuid4(),
        step=step,
        exercise=step.exercises[0],
        answer={"moments": [{"happened": ANSWER, "filled_in": ""}], "stands_out": ""},
        now=now,
    )
    return alice
