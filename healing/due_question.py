"""What Today asks: one question at a time, the longest due first."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from accounts.models import User
from healing.exercises_left_out import involves_contact
from healing.field_kinds import shown
from healing.guide import guide
from healing.guide_types import Exercise, FollowUp, Step
from healing.models import Answer
from vault.sealing import CannotOpen

# Answers that cannot be opened are passed over; this many are looked at.
LOOKED_AT = 10


@dataclass(frozen=True)
class DueQuestion:
    """An answer to ask about, or whose questions are asked again (`asked` is None).

    `about` are the person's own words.
    """

    row: Answer
    step: Step
    exercise: Exercise
    asked: FollowUp | None
    about: str


def due_question(person: User, now: datetime, *, hides_contact: bool = False) -> DueQuestion | None:
    """With `hides_contact`, nothing is asked that involves the other person. One statement."""
    asking = _of_exercises_that_ask(hides_contact=hides_contact)
    rows = Answer.objects.of(person).filter(asking).to_ask_about(now)[:LOOKED_AT]
    return next(filter(None, (_question(person, row) for row in rows)), None)


def _of_exercises_that_ask(*, hides_contact: bool) -> Q:
    """Answers of other exercises may be due for good, and would hide those that can be asked."""
    asking = Q(pk__in=[])
    for number, step in guide().steps.items():
        keys = [
            each.key
            for each in step.exercises
            if (each.follow_up or each.asked_again)
            and not (hides_contact and involves_contact(each))
        ]
        asking |= Q(step=number, exercise__in=keys)
    return asking


def _question(person: User, row: Answer) -> DueQuestion | None:
    step = guide().steps[row.step]
    exercise = step.exercise(row.exercise)
    if exercise is None:
        return None
    if exercise.follow_up is None:
        return DueQuestion(row, step, exercise, None, "")
    try:
        fields = row.open(person.key).fields
    except CannotOpen:
        return None
    asked = exercise.follow_up
    words = shown(exercise.field(asked.about), fields.get(asked.about, ""))
    return DueQuestion(row, step, exercise, asked, words.text or "; ".join(words.lines))
