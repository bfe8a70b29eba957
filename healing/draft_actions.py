"""Keep words on the way, and save them as an answer."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import User
from healing import actions
from healing.displayed_answer import fields_beyond_form
from healing.drafts import OnTheWay
from healing.guide_types import Exercise
from healing.models import Draft, DraftContents
from vault.storage_quota import check_quota, has_grown


def keep_question(
    *,
    person: User,
    writing: OnTheWay,
    words: dict[str, Any],
    place: int,
    page: str,
    now: datetime,
) -> None:
    """Keep the answer to one question in the draft. Create no draft for unchanged words.

    Raises CannotOpen and QuotaExceeded.
    """
    contents = DraftContents(fields=words, place=place, pages=dict.fromkeys(words, page))
    draft = writing.draft
    if draft is None:
        if not any(_is_new(value, writing.fields.get(name)) for name, value in words.items()):
            return
        draft = _begin(person, writing, contents, now=now)
    if draft is not None:
        _add(person, writing, draft, contents, now=now)


def _is_new(value: Any, before: Any) -> bool:
    return value != before and bool(value or before)


def _begin(
    person: User, writing: OnTheWay, contents: DraftContents, *, now: datetime
) -> Draft | None:
    """Insert the draft, or return the one that another tab has begun meanwhile, locked."""
    check_quota(person.pk)
    drafts = Draft.objects.of(person).select_for_update()
    # The row that the unique constraint would collide with.
    if writing.answer:
        same = drafts.filter(answer=writing.answer)
    else:
        same = drafts.for_exercise(writing.step.number, writing.key).filter(answer=None)
    while True:
        row = Draft.sealed_by(
            person.key,
            contents,
            now=now,
            step=writing.step.number,
            exercise=writing.key,
            answer=writing.answer,
        )
        if row.insert_if_new():
            return None
        begun: Draft | None = same.first()
        if begun:
            return begun
        # Saved or deleted since: then there is room for this one.


def _add(
    person: User, writing: OnTheWay, draft: Draft, contents: DraftContents, *, now: datetime
) -> None:
    """Add what one page has sent to what the others have."""
    before, size = draft.open(person.key), len(draft.sealed)
    fields, pages = before.fields | contents.fields, before.pages | contents.pages
    if writing.exercise:
        # The guide asks this otherwise by now, and its page could not show what was written before.
        fields = fields_beyond_form(writing.exercise, before.fields) | fields
    draft.seal(person.key, replace(contents, fields=fields, pages=pages), now=now)
    if has_grown(size, len(draft.sealed)):
        check_quota(person.pk)
    draft.save(update_fields=["sealed", "scheme", "changed_at"])


def save_draft(
    *,
    person: User,
    writing: OnTheWay,
    draft: Draft,
    exercise: Exercise,
    answer: dict[str, Any],
    now: datetime,
) -> None:
    """Save an answer from its draft, with what today's form cannot show. The draft is gone then.

    Raises CannotOpen and QuotaExceeded.
    """
    whole = fields_beyond_form(exercise, writing.fields) | answer
    with transaction.atomic():
        if writing.answer:
            actions.change_answer(
                person=person, row=writing.answer, exercise=exercise, answer=whole, now=now
            )
        else:
            actions.save_answer(
                person=person,
                id=draft.pk,
                step=writing.step,
                exercise=exercise,
                answer=whole,
                now=now,
            )
        draft.delete()
