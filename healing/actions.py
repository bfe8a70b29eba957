from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.models import User
from healing.asked_again_at import follow_up_at, next_round_at
from healing.displayed_answer import fields_beyond_form
from healing.guide import guide
from healing.guide_types import Exercise, FollowUp, Step
from healing.models import Answer, AnswerContents, StepMark
from healing.saved_state import saved_state, words_in
from healing.visitor_answers import VisitorAnswer
from vault.storage_quota import check_quota, has_grown


class ChangedMeanwhile(Exception):
    """An answer has other words than its page has shown. Nothing was saved.

    `state` names the words that it has now, as `saved_state` does.
    """

    def __init__(self, row: Answer, state: str) -> None:
        super().__init__()
        self.row, self.state = row, state


def save_answer(
    *,
    person: User,
    id: UUID,
    step: Step,
    exercise: Exercise,
    answer: dict[str, Any],
    now: datetime,
    shown: str | None = None,
) -> Answer:
    """Save an answer under the id that its page was given; a repeated post updates that row.

    `shown` as in `change_answer`. Raises CannotOpen, QuotaExceeded and ChangedMeanwhile.
    """
    sent: dict[str, Any] = {"exercise": exercise, "answer": answer, "now": now, "shown": shown}

    def save(asks_at: datetime | None) -> Answer:
        return Answer.save_once(
            person.key,
            AnswerContents(fields=answer),
            id=id,
            now=now,
            update=lambda row: change_answer(person=person, row=row, **sent),
            step=step.number,
            exercise=exercise.key,
            version=exercise.version,
            asks_at=asks_at,
        )

    if not exercise.asked_again:
        return save(follow_up_at(exercise, answer, zone=person.zone, now=now))
    answers = Answer.objects.of(person).for_exercise(step.number, exercise.key)
    with transaction.atomic():
        # Two tabs may save at once: each would leave its own answer to be asked again.
        User.objects.lock_row(person.pk)
        first = answers.order_by("created_at").values_list("created_at", flat=True).first()
        row = save(next_round_at(exercise, first=first or now, now=now))
        answers.ask_only_newest()
    return row


def delete_answer(*, person: User, step: Step, key: str, id: UUID) -> bool:
    """Delete an answer; the one before it is asked again in its place. False without such one."""
    answers = Answer.objects.of(person).for_exercise(step.number, key)
    exercise = step.exercise(key)
    with transaction.atomic():
        # In this order, as saving does, so that neither waits for the other.
        User.objects.lock_row(person.pk)
        row = answers.select_for_update().filter(pk=id).first()
        if row is None:
            return False
        row.delete()
        if exercise and exercise.asked_again and row.asks_at:
            answers.ask_newest(row.asks_at)
    return True


def carry_over_answer(*, person: User, answer: VisitorAnswer, now: datetime) -> None:
    """Save what this person has written without an account, as of when they wrote it. Saved twice,
    it is stored once. Raises CannotOpen."""
    contents = AnswerContents(fields=answer.fields)
    step = guide().steps.get(answer.step)
    exercise = step.exercise(answer.exercise) if step else None
    zone = person.zone

    def keep_saved(_row: Answer) -> None:
        """Change nothing: the row was carried over before and may have been edited since."""

    Answer.save_once(
        person.key,
        contents,
        id=answer.id,
        now=answer.written_at,
        update=keep_saved,
        step=answer.step,
        exercise=answer.exercise,
        version=answer.version,
        asks_at=exercise and follow_up_at(exercise, answer.fields, zone=zone, now=now),
    )


def is_saved(*, person: User, id: UUID) -> bool:
    """Whether the answer of the page with this id is saved. Raises CannotOpen."""
    # An earlier release saved it under the id of the page.
    ids = [id, person.key.derive_id(Answer.purpose, id)]
    return Answer.objects.of(person).filter(pk__in=ids).exists()


def change_answer(
    *,
    person: User,
    row: Answer,
    exercise: Exercise,
    answer: dict[str, Any],
    now: datetime,
    shown: str | None = None,
) -> None:
    """Replace an answer, keeping the fields that today's form cannot show.

    `shown` is the `saved_state` of the words that the page has shown; None if the caller has
    compared the words under its lock. Raises CannotOpen, QuotaExceeded and ChangedMeanwhile.
    """
    before = row.open(person.key)
    contents = replace(before, fields=fields_beyond_form(exercise, before.fields) | answer)
    if shown is not None and words_in(contents.fields) != words_in(before.fields):
        state = saved_state(person, before.fields)
        if shown != state:
            raise ChangedMeanwhile(row, state)
    size = len(row.sealed)
    row.version = exercise.version
    asked = exercise.follow_up
    if asked and _named(asked, answer) != _named(asked, before.fields):
        row.asks_at = follow_up_at(exercise, answer, zone=person.zone, now=now)
    row.seal(person.key, contents, now=now)
    if has_grown(size, len(row.sealed)):
        check_quota(person.pk)
    row.save(update_fields=["sealed", "scheme", "changed_at", "version", "asks_at"])


def _named(asked: FollowUp, answer: Mapping[str, Any]) -> tuple[Any, bool]:
    """The day of a follow-up, and whether there is something to ask about."""
    return answer.get(asked.on), bool(answer.get(asked.about))


def record_follow_up(*, person: User, row: Answer, said: str, now: datetime) -> None:
    """Keep what was said about an answer, sealed with it. Raises CannotOpen."""
    contents = row.open(person.key)
    day = now.astimezone(person.zone).date().isoformat()
    row.asks_at = None
    row.seal(person.key, replace(contents, followed_up=said, followed_up_on=day), now=now)
    row.save(update_fields=["sealed", "scheme", "changed_at", "asks_at"])


def stop_asking(*, row: Answer) -> None:
    row.asks_at = None
    row.save(update_fields=["asks_at"])


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
