from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.models import User
from healing.exercise_forms import ShownField, carried, sentence, show
from healing.guide_types import Exercise, Step
from healing.models import Answer, AnswerContents, StepMark
from vault.sealing import CannotOpen


@dataclass(frozen=True)
class KeptAnswer:
    """A kept answer as its page shows it. `fields` is None where it cannot be opened."""

    row: Answer
    sentence: str
    fields: list[ShownField] | None


def keep_answer(
    *,
    person: User,
    id: UUID,
    step: Step,
    exercise: Exercise,
    answer: dict[str, Any],
    now: datetime,
) -> Answer:
    """Keep an answer under the id that its page was given, once. Raises CannotOpen."""

    def again(row: Answer) -> None:
        change_answer(person=person, row=row, exercise=exercise, answer=answer, now=now)

    return Answer.save_once(
        person.key,
        AnswerContents(fields=answer),
        id=id,
        now=now,
        update=again,
        step=step.number,
        exercise=exercise.key,
        version=exercise.version,
    )


def change_answer(
    *, person: User, row: Answer, exercise: Exercise, answer: dict[str, Any], now: datetime
) -> None:
    """Keep other words in this row, and with them whatever today's exercise cannot ask for.

    Raises CannotOpen.
    """
    before: AnswerContents = row.open(person.key)
    contents = AnswerContents(fields=carried(exercise, before.fields) | answer)
    row.version = exercise.version
    row.seal(person.key, contents, now=now)
    row.save(update_fields=["sealed", "scheme", "changed_at", "version"])


def read_answer(*, person: User, row: Answer, exercise: Exercise | None) -> KeptAnswer:
    try:
        contents: AnswerContents = row.open(person.key)
    except CannotOpen:
        return KeptAnswer(row, "", None)
    return KeptAnswer(row, sentence(exercise, contents.fields), show(exercise, contents.fields))


def mark_step(*, person: User, step: Step, state: StepMark.State, now: datetime) -> None:
    StepMark.objects.set(owner=person, step=step.number, state=state, now=now)


def open_step(*, person: User, step: Step) -> None:
    """Take its mark away."""
    StepMark.objects.of(person).filter(step=step.number).delete()
