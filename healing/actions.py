from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.models import User
from healing.exercises import ShownField, sentence, show
from healing.guide import Exercise, Step
from healing.models import Answer, AnswerContents, StepMark
from vault.sealing import CannotOpen


@dataclass(frozen=True)
class KeptAnswer:
    """A kept answer as its page shows it. `fields` is None where it cannot be opened."""

    row: Answer
    sentence: str
    fields: list[ShownField] | None


def keep_answer(
    *, person: User, step: Step, exercise: Exercise, answer: dict[str, Any], now: datetime
) -> Answer:
    row = Answer.sealed_by(
        person.key,
        AnswerContents(fields=answer),
        now=now,
        step=step.number,
        exercise=exercise.key,
        version=exercise.version,
    )
    row.save(force_insert=True)
    return row


def change_answer(
    *, person: User, row: Answer, exercise: Exercise, answer: dict[str, Any], now: datetime
) -> None:
    row.seal(person.key, AnswerContents(fields=answer), now=now)
    row.version = exercise.version
    row.save(update_fields=["sealed", "scheme", "changed_at", "version"])


def read_answer(*, person: User, row: Answer, exercise: Exercise | None) -> KeptAnswer:
    try:
        contents: AnswerContents = row.open(person.key)
    except CannotOpen:
        return KeptAnswer(row, "", None)
    return KeptAnswer(row, sentence(exercise, contents.fields), show(exercise, contents.fields))


def mark_step(*, person: User, step: Step, state: str, now: datetime) -> None:
    """Settle it, set it aside, or (any other state) take the mark away."""
    if state in StepMark.State.values:
        StepMark.objects.set(person.pk, step.number, state, now=now)
    else:
        StepMark.objects.of(person).filter(step=step.number).delete()
