"""Save the words that a page of the desk sends, and never overwrite others (ADR 25)."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid4, uuid5

from django.db import IntegrityError, transaction

from accounts.models import User
from journal.models import MAX_LATE_REVISIONS, REVISION_INTERVAL, Ended, Letter, Revision
from journal.submitted_letter import Submission
from vault.sealing import CannotOpen
from vault.storage_quota import QuotaExceeded, StorageUse, check_quota, has_grown, measure


class LetterGone(Exception):
    """The letter of these words does not exist any more. Nothing was saved."""


class TooManyLate(Exception):
    """As many late versions of a letter wait for a decision as may. Nothing was saved."""

    def __init__(self, letter: Letter) -> None:
        self.letter = letter


@dataclass(frozen=True, kw_only=True)
class Saved:
    """The result of a save: one of the three classes below."""

    letter: Letter
    # The letter that the page showed cannot be changed: `letter` is a separate draft.
    is_separate: bool = False
    # The writer stores nearly as much as they may. Only known if that was measured.
    is_quota_nearly_full: bool = False


class SavedInPlace(Saved):
    """The letter has these words."""


class Superseded(Saved):
    """The letter already has newer words of the same page; these were not saved."""


@dataclass(frozen=True, kw_only=True)
class SavedBeside(Saved):
    """Another page changed the letter first: these words are a late revision of it."""

    revision: Revision


def save_words(
    *,
    person: User,
    id: UUID,
    submission: Submission,
    kind: str = "",
    answers_id: UUID | None = None,
    now: datetime,
) -> Saved:
    """Save a submission in the letter of this id, or where it overwrites nothing.

    `kind` and `answers_id` are for a new letter. Raises CannotOpen if the person's key cannot be
    opened, LetterGone, QuotaExceeded and TooManyLate.
    """
    is_separate = False
    while True:
        ids = [id, Letter.stored_id(person, id)]
        use = _measure_for_draft(person, submission)
        if not submission.version and not use.is_full:
            draft = _create(person, ids, submission, kind=kind, answers_id=answers_id, now=now)
            if draft is not None:
                saved = SavedInPlace(letter=draft, is_quota_nearly_full=use.is_nearly_full)
                return replace(saved, is_separate=is_separate)
        with transaction.atomic():
            letter = _lock_letter(person, ids, now=now)
            found = None if letter is None else _save_in(letter, person, submission, now=now)
        if found is not None:
            return replace(found, is_separate=is_separate)
        if letter is not None:
            # Never overwrite a letter that is unreadable or no longer a draft: save a separate
            # draft, under the same id each time, so that words sent twice make one.
            id, kind, answers_id = uuid5(letter.pk, "later"), letter.kind, None
            submission, is_separate = replace(submission, version=0), True
        elif submission.version or Letter.objects.of(person).filter(pk__in=ids).exists():
            raise LetterGone
        elif use.is_full:
            raise QuotaExceeded
        else:
            id = uuid4()  # It was deleted a moment ago.


def _lock_letter(person: User, ids: list[UUID], *, now: datetime) -> Letter | None:
    """Return the letter with one of these ids: a page names its letter by an id of its own until it
    has read the letter's from an answer."""
    rows = Letter.objects.of(person).filter(pk__in=ids).select_for_update()
    visible = [letter for letter in rows if letter.is_visible(now)]
    return min(visible, key=lambda letter: letter.pk, default=None)


def _measure_for_draft(person: User, submission: Submission) -> StorageUse:
    is_limited = not submission.version and not submission.is_stored
    return measure(person.pk) if is_limited else StorageUse(0, 0)


def _create(
    person: User,
    ids: list[UUID],
    submission: Submission,
    *,
    kind: str,
    answers_id: UUID | None,
    now: datetime,
) -> Letter | None:
    """Save a new draft under the last of these ids. Returns None if there is a letter."""
    page_id, stored_id = ids
    ended = [Ended.id_of(person, id) for id in ids] if submission.is_resent else []
    if ended and Ended.objects.filter(pk__in=ended).exists():
        raise LetterGone
    # Saved by an earlier release, under the id of its page, and posted again by going back.
    if Letter.objects.of(person).filter(pk=page_id).exists():
        return None
    draft = Letter.new_draft(
        person=person,
        id=stored_id,
        kind=kind,
        words=submission.words,
        edit_session=submission.edit_session,
        answers_id=answers_id,
        now=now,
    )
    try:
        return draft if draft.insert_if_new() else None
    except IntegrityError:
        # The letter that it answers was deleted meanwhile.
        if answers_id is None:
            raise
        draft.answers_id = None
        return draft if draft.insert_if_new() else None


def _save_in(
    letter: Letter, person: User, submission: Submission, *, now: datetime
) -> Saved | None:
    """Save in a locked letter, or beside it. Returns None if it cannot be opened or changed."""
    key, words = person.key, submission.words
    try:
        before = letter.open(key)
    except CannotOpen:
        return None
    if words == before.words:
        # The response to the first save was lost: ignore the version that this repeat names.
        return SavedInPlace(letter=letter)
    if submission.is_superseded(letter):
        return Superseded(letter=letter)
    if not letter.is_draft:
        return None
    if not submission.follows(letter):
        return SavedBeside(letter=letter, revision=_save_late(letter, person, submission, now=now))
    size = len(letter.sealed)
    is_revised = _needs_revision(letter, before.body, words.body, now=now)
    if is_revised:
        Revision.add(person, letter, before.words, now=now)
        letter.revised_at = now
    letter.update_contents(
        person, before.with_words(words), edit_session=submission.edit_session, now=now
    )
    is_measured = is_revised or has_grown(size, len(letter.sealed))
    is_nearly_full = is_measured and check_quota(person.pk).is_nearly_full
    return SavedInPlace(letter=letter, is_quota_nearly_full=is_nearly_full)


def _save_late(letter: Letter, person: User, submission: Submission, *, now: datetime) -> Revision:
    """Save the words as a late revision: one for each page that keeps sending."""
    late = Revision.objects.of(person).filter(letter=letter).late().newest_first()
    rows = late.filter(pk=submission.revision) if submission.revision else late
    row: Revision | None = rows.first()
    if row is not None and row.opens(person.key):
        if row.open(person.key) == submission.words:
            return row
        if submission.revision:
            size = len(row.sealed)
            row.reseal(person.key, submission.words, now=now)
            if has_grown(size, len(row.sealed)):
                check_quota(person.pk)
            return row
    if late.count() >= MAX_LATE_REVISIONS:
        raise TooManyLate(letter)
    check_quota(person.pk)
    # Never overwrite the words of another page, nor words that cannot be opened.
    return Revision.add(person, letter, submission.words, late=True, now=now)


def _needs_revision(letter: Letter, before: str, after: str, *, now: datetime) -> bool:
    """Whether to store the old words: every few minutes, and always if at least half of them go."""
    is_due = letter.revised_at is None or now - letter.revised_at >= REVISION_INTERVAL
    return is_due or 2 * _unchanged_length(before, after) <= len(before)


def _unchanged_length(before: str, after: str) -> int:
    """Return how many characters at the start and at the end are the same in both."""
    start = _common_prefix_length(before, after)
    return start + _common_prefix_length(before[start:][::-1], after[start:][::-1])


def _common_prefix_length(one: str, other: str) -> int:
    # Each piece is half as long as the one before: together they are no longer than the texts.
    shorter, start = min(len(one), len(other)), 0
    size = 1 << shorter.bit_length()
    while size := size // 2:
        end = start + size
        if end <= shorter and one[start:end] == other[start:end]:
            start = end
    return start
