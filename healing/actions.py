from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.models import User
from healing.displayed_answer import (
    fields_beyond_form,
)
from healing.guide_types import Exercise, Step
from healing.models import Answer, AnswerContents, StepMark
from vault.storage_quota import check_quota, has_grown


def save_answer(
    *,
    person: User,
    id: UUID,
    step: Step,
    exercise: Exercise,
    answer: dict[str, Any],
    now: datetime,
) -> Answer:
    """Save an answer under the id that its page was given; a repeated post updates that row.

    Raises CannotOpen.
    """

    def update(row: Answer) -> None:
        change_answer(person=person, row=row, exercise=exercise, answer=answer, now=now)

    return Answer.save_once(
        person.key,
        AnswerContents(fields=answer),
        id=id,
        now=now,
        update=update,
        step=step.number,
        exercise=exercise.key,
        version=exercise.version,
    )


def is_saved(*, person: User, id: UUID) -> bool:
    """Whether the answer of the page with this id is saved. Raises CannotOpen."""
    # An earlier release saved it under the id of the page.
    ids = [id, person.key.derive_id(Answer.purpose, id)]
    return Answer.objects.of(person).filter(pk__in=ids).exists()


def change_answer(
    *, person: User, row: Answer, exercise: Exercise, answer: dict[str, Any], now: datetime
) -> None:
    """Replace an answer, keeping the fields that today's form cannot show.

    Raises CannotOpen and QuotaExceeded.
    """
    before = row.open(person.key)
    contents = AnswerContents(fields=fields_beyond_form(exercise, before.fields) | answer)
    size = len(row.sealed)
    row.version = exercise.version
    row.seal(person.key, contents, now=now)
    if has_grown(size, len(row.sealed)):
        check_quota(person.pk)
    row.save(update_fields=["sealed", "scheme", "changed_at", "version"])


def mark_step(*, person: User, step: Step, state: StepMark.State, now: datetime) -> None:
    # Two pages may mark or unmark a step at once: one INSERT … ON CONFLICT cannot fail, as
    # update_or_create does when the row appears or disappears between its statements.
    StepMark.objects.bulk_create(
        [StepMark(owner=person, step=step.number, state=state, marked_at=now)],
        update_conflicts=True,
        unique_fields=["owner", "step"],
        update_fields=["state", "marked_at"],
    )


def unmark_step(*, person: User, step: Step) -> None:
    StepMark.objects.of(person).filter(step=step.number).delete()
