"""What Today asks: one question at a time, the longest due first."""

from dataclasses import dataclass
from datetime import datetime

from accounts.models import User
from healing.exercises_left_out import involves_contact
from healing.field_kinds import shown
from healing.guide import guide
from healing.guide_types import Exercise, FollowUp, Step
from healing.models import Answer
from vault.sealing import CannotOpen

# Answers to exercises that the guide no longer has are passed over; this many are looked at.
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
    rows = Answer.objects.of(person).to_ask_about(now)[:LOOKED_AT]
    questions = filter(None, (_question(person, row) for row in rows))
    asked = (each for each in questions if not (hides_contact and involves_contact(each.exercise)))
    return next(asked, None)


def _question(person: User, row: Answer) -> DueQuestion | None:
    step = guide().steps[row.step]
    exercise = step.exercise(row.exercise)
    if exercise is None or not (exercise.follow_up or exercise.asked_again):
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
