"""How far someone is in the eight steps: each is open, begun, done for now or skipped."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from accounts.models import User
from healing.desk_letters import latest_letters
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


# A step's page runs this. Built in the ORM, it takes a quarter of that page's processor time.
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
    person: User,
    step: Step,
    exercise: Exercise,
    *,
    left_out: Collection[Exercise],
    now: datetime,
) -> WayOn:
    """After a save: the next exercise of the step without an answer or a letter, else the next open
    step."""
    work, letters = work_on_step(person, step), latest_letters(person, now)
    following = step.exercises[step.exercises.index(exercise) + 1 :]
    for other in following:
        is_done = other.key in work.answered or other.desk in letters
        if not is_done and other not in left_out:
            return WayOn(work.mark, step, other)
    states = {status.step.number: status.state for status in _statuses(person, letters)}
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


def step_statuses(person: User, *, now: datetime) -> list[StepStatus]:
    """The status of every step, in order, with two queries."""
    return _statuses(person, latest_letters(person, now))


def _statuses(person: User, letters: Mapping[str, datetime]) -> list[StepStatus]:
    with connection.cursor() as cursor:
        cursor.execute(BEGUN_OR_MARKED, {"owner": person.pk})
        rows = cursor.fetchall()
    # A letter begins the step whose exercise names its kind.
    rows += [
        (step.number, "begun", letters[exercise.desk])
        for step, exercise in guide().exercises
        if exercise.desk in letters
    ]
    # A mark outranks answers and letters, and of these the latest counts.
    rows.sort(key=lambda row: (row[1] != "begun", row[2]))
    latest = {number: (state, at) for number, state, at in rows}
    return [
        StepStatus(step, *latest.get(number, ("open", None)))
        for number, step in sorted(guide().steps.items())
    ]
