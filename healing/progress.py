"""How far someone is in the eight steps: each is open, begun, settled or set aside."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from accounts.models import User
from healing.guide import guide
from healing.guide_types import Exercise, Step


@dataclass(frozen=True)
class StepStatus:
    """`state` is "open", "begun", "settled" or "aside".

    `touched_at` is when the step was last answered or marked; None while it is open.
    """

    step: Step
    state: str
    touched_at: datetime | None = None


# Every Today page runs this. As a union of two querysets it takes ten times the processor time.
BEGUN_OR_MARKED = """
SELECT step, 'begun', max(changed_at) FROM healing_answer WHERE owner_id = %(owner)s GROUP BY step
UNION ALL
SELECT step, state, marked_at FROM healing_stepmark WHERE owner_id = %(owner)s
"""


# These statements of this page would take a quarter of its processor time to build in the ORM.
MARK_AND_EXERCISES = """
SELECT 'mark', state FROM healing_stepmark WHERE owner_id = %(owner)s AND step = %(step)s
UNION ALL
SELECT DISTINCT 'exercise', exercise FROM healing_answer
WHERE owner_id = %(owner)s AND step = %(step)s
UNION ALL
SELECT 'draft', exercise FROM healing_draft
WHERE owner_id = %(owner)s AND step = %(step)s AND answer_id IS NULL
"""


@dataclass(frozen=True)
class WayOn:
    """What comes next; Today without a step. `mark` is that of the step which was answered."""

    mark: str
    step: Step | None = None
    exercise: Exercise | None = None


def way_on(
    person: User, step: Step, exercise: Exercise, *, left_out: Collection[Exercise]
) -> WayOn:
    """After a save: the next exercise of the step without an answer, else the next open step."""
    work = work_on_step(person, step)
    following = step.exercises[step.exercises.index(exercise) + 1 :]
    for other in following:
        if other.key not in work.answered and other not in left_out:
            return WayOn(work.mark, step, other)
    states = {
        status.step.number: status.state for status in step_statuses(person, begun_elsewhere={})
    }
    numbers = (number for number in states if number > step.number and states[number] == "open")
    return WayOn(work.mark, guide().steps.get(next(numbers, 0)))


@dataclass(frozen=True)
class WorkOnStep:
    # A state of StepMark; empty if the step is not marked.
    mark: str
    # The keys of the exercises that are answered, in alphabetical order.
    answered: list[str]
    # Likewise, of which something was written and is not saved.
    begun: list[str]


def work_on_step(person: User, step: Step) -> WorkOnStep:
    with connection.cursor() as cursor:
        cursor.execute(MARK_AND_EXERCISES, {"owner": person.pk, "step": step.number})
        rows = cursor.fetchall()
    mark = next((state for kind, state in rows if kind == "mark"), "")
    answered, begun = (
        sorted(key for kind, key in rows if kind == wanted) for wanted in ("exercise", "draft")
    )
    return WorkOnStep(mark, answered, begun)


def step_statuses(person: User, *, begun_elsewhere: Mapping[int, datetime]) -> list[StepStatus]:
    """The status of every step, in order, with one query.

    `begun_elsewhere` maps the number of a step to when it was last worked on outside this app.
    """
    with connection.cursor() as cursor:
        cursor.execute(BEGUN_OR_MARKED, {"owner": person.pk})
        rows = cursor.fetchall()
    latest = {number: ("begun", at) for number, at in begun_elsewhere.items()}
    # A mark outranks an answer, in whatever order the database returns them.
    for number, state, at in sorted(rows, key=lambda row: row[1] != "begun"):
        latest[number] = (state, at)
    return [
        StepStatus(step, *latest.get(number, ("open", None)))
        for number, step in sorted(guide().steps.items())
    ]
