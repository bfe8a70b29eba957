from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest

from accounts.models import User
from healing.actions import mark_step, save_answer
from healing.guide import guide
from healing.models import Answer, StepMark
from healing.progress import WorkOnStep, work_on_step
from tests.support.client import Client
from tests.support.database import Statements


def answer(person: User, number: int, *, exercise: str, now: datetime) -> None:
    step = guide().steps[number]
    row = save_answer(
        person=person, id=uuid4(), step=step, exercise=step.exercises[0], answer={}, now=now
    )
    Answer.objects.filter(pk=row.pk).update(exercise=exercise)


def test_work_on_a_step_is_that_of_one_person_on_one_step(
    alice: User, bob: User, now: datetime
) -> None:
    step = guide().steps[1]
    for person, number, exercise in (
        (alice, 1, "old"),
        (alice, 1, "filling-in"),
        (alice, 1, "old"),
        (alice, 2, "elsewhere"),
        (bob, 1, "of-bob"),
    ):
        answer(person, number, exercise=exercise, now=now)
    mark_step(person=alice, step=guide().steps[2], state=StepMark.State.ASIDE, now=now)
    mark_step(person=bob, step=step, state=StepMark.State.SETTLED, now=now)

    assert work_on_step(alice, step) == WorkOnStep("", ["filling-in", "old"], [])
    mark_step(person=alice, step=step, state=StepMark.State.ASIDE, now=now)
    assert work_on_step(alice, step).mark == "aside"


@pytest.mark.parametrize(
    ("state", "offered"),
    [(None, {"settled", "aside"}), ("settled", {"aside", "open"}), ("aside", {"settled", "open"})],
)
def test_step_offers_the_marks_it_does_not_have(
    as_alice: Client, alice: User, now: datetime, state: Any, offered: set[str]
) -> None:
    if state:
        mark_step(person=alice, step=guide().steps[4], state=state, now=now)

    page = as_alice.get("/steps/4/").text

    assert {each for each in ("settled", "aside", "open") if f'value="{each}"' in page} == offered


def test_statements_of_a_step_do_not_grow(
    as_alice: Client, alice: User, now: datetime, statements: Statements
) -> None:
    alice.record_visit(now=datetime.now(now.tzinfo))
    for exercise in ("filling-in", "old", "older"):
        answer(alice, 1, exercise=exercise, now=now)
    as_alice.get("/steps/1/")

    with statements() as queries:
        page = as_alice.get("/steps/1/").text

    # The session, and what they did in this step.
    assert len(queries) == 2
    assert page.count("Something you saved in an earlier exercise") == 2
