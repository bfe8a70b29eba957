"""What the page of a hard moment offers beside the water, one thing at a time.

Breathing needs nothing. The others come from what somebody saved on calmer days: a card or a
sentence, the people of their circle, and questions that have a time of their own.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.models import User
from healing.displayed_answer import DisplayedAnswer, display_answer
from healing.exercises_left_out import involves_contact
from healing.guide import guide
from healing.guide_types import RING, Exercise
from healing.models import Answer
from vault.sealing import CannotOpen

BREATHE, LINE, CALL, QUESTIONS = "breathe", "line", "call", "questions"
# The choices of a ring whose people can be asked now (docs/writing.md).
REACHABLE = {"near", "away"}


@dataclass(frozen=True)
class Helper:
    """The thing that is shown, and the name of the next one.

    `answer` is the card or sentence, `people` have the columns of the circle, and `asked_at` is the
    time that the questions have.
    """

    name: str
    next: str
    answer: DisplayedAnswer[Answer] | None = None
    people: tuple[dict[str, Any], ...] = ()
    asked_at: datetime | None = None


def helper(person: User, name: str, now: datetime, *, hides_contact: bool) -> Helper:
    """Return the thing of this name, or breathing if there is none. One statement."""
    exercises = _exercises(hides_contact=hides_contact)
    rows = _latest_answers(person, exercises)
    line = next((rows[each.key] for each in exercises if _is_line(each) and each.key in rows), None)
    asked = [row.asks_at for row in rows.values() if _has_a_time(exercises, row, now)]
    names = [BREATHE, *([LINE] if line else []), CALL, *([QUESTIONS] if asked else [])]
    shown = name if name in names else BREATHE
    following = names[(names.index(shown) + 1) % len(names)]
    if shown == LINE and line:
        return Helper(shown, following, answer=_displayed(person, line, exercises))
    if shown == CALL:
        return Helper(shown, following, people=_people(person, rows, exercises))
    return Helper(shown, following, asked_at=asked[0] if shown == QUESTIONS else None)


def _exercises(*, hides_contact: bool) -> list[Exercise]:
    """Cards first, then sentences, then what else this page knows; each in the guide's order."""
    every = [each for step in guide().steps.values() for each in step.exercises]
    offered = [each for each in every if not (hides_contact and involves_contact(each))]
    wanted = [each for each in offered if each.gathers in _ORDER or _sets_a_time(each)]
    return sorted(wanted, key=lambda each: _ORDER.get(each.gathers, len(_ORDER)))


_ORDER = {"cards": 0, "sentences": 1, "circle": 2}


def _is_line(exercise: Exercise) -> bool:
    return exercise.gathers in {"cards", "sentences"}


def _sets_a_time(exercise: Exercise) -> bool:
    on = exercise.field(exercise.follow_up.on) if exercise.follow_up else None
    return on is not None and on.kind == "time"


def _latest_answers(person: User, exercises: Iterable[Exercise]) -> dict[str, Answer]:
    """Return the newest answer to each of these, by its exercise."""
    rows = Answer.objects.of(person).gathered(each.key for each in exercises)
    newest = rows.order_by("exercise", "-created_at", "pk").distinct("exercise")
    return {row.exercise: row for row in newest}


def _has_a_time(exercises: Iterable[Exercise], row: Answer, now: datetime) -> bool:
    is_set = row.asks_at is not None and row.asks_at > now
    return is_set and any(each.key == row.exercise and _sets_a_time(each) for each in exercises)


def _displayed(person: User, row: Answer, exercises: Iterable[Exercise]) -> DisplayedAnswer[Answer]:
    exercise = next(each for each in exercises if each.key == row.exercise)
    return display_answer(person=person, row=row, exercise=exercise)


def _people(
    person: User, rows: dict[str, Answer], exercises: Iterable[Exercise]
) -> tuple[dict[str, Any], ...]:
    """Return the people of the circle who are near or a call away, as their rows were saved."""
    circle = next((each for each in exercises if each.gathers == "circle"), None)
    row = rows.get(circle.key) if circle else None
    if circle is None or row is None:
        return ()
    names = [field.name for field in circle.fields if field.kind == "people"]
    try:
        fields = row.open(person.key).fields
    except CannotOpen:
        return ()
    people = (each for name in names for each in fields.get(name, []))
    return tuple(each for each in people if each.get(RING) in REACHABLE and each.get("who"))
