"""Choose between the words of a letter and those of a revision of it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from django.db import transaction

from accounts.models import User
from journal.models import InvalidTransition, Letter, Revision
from journal.saving import save_words
from journal.submitted_letter import Submission
from vault.storage_quota import check_quota


@dataclass(frozen=True)
class RevisionRef:
    """A revision of one of this person's letters."""

    person: User
    letter_id: UUID
    revision_id: UUID


@transaction.atomic
def restore(ref: RevisionRef, *, version: int, now: datetime) -> Letter:
    """Put the revision's words into the letter, and store the letter's own as a revision.

    Raises CannotOpen, QuotaExceeded, and InvalidTransition if the letter has a newer version than
    this one.
    """
    letter, revision = _lock(ref)
    if letter.version != version:
        raise InvalidTransition
    before = letter.open(ref.person.key)
    words = revision.open(ref.person.key)
    # Before adding another: this one may be the oldest, and be deleted to make room.
    revision.mark_decided()
    if before.words != words:
        check_quota(ref.person.pk)
        Revision.add(ref.person, letter, before.words, now=now)
        letter.revised_at = now
        letter.update_contents(ref.person, before.with_words(words), now=now)
    return letter


@transaction.atomic
def keep_both(ref: RevisionRef, *, now: datetime) -> Letter:
    """Return a draft with the revision's words.

    Raises CannotOpen, InvalidTransition and QuotaExceeded.
    """
    check_quota(ref.person.pk)
    letter, revision = _lock(ref)
    return _save_as_draft(ref.person, letter, revision, now=now)


@transaction.atomic
def dismiss(ref: RevisionRef) -> None:
    """Leave the letter as it is. Raises InvalidTransition."""
    _lock(ref)[1].mark_decided()


def save_late_as_drafts(person: User, letter: Letter, *, now: datetime) -> None:
    """Make drafts of late revisions before their letter is sealed, let go or deleted.

    Revisions that cannot be opened stay. Raises CannotOpen if the person's key cannot be opened.
    """
    key = person.key
    for revision in Revision.objects.of(person).filter(letter=letter).late():
        if revision.opens(key):
            _save_as_draft(person, letter, revision, now=now)
            # Nobody measures this: stored twice, they would exceed the quota.
            revision.delete()


def _lock(ref: RevisionRef) -> tuple[Letter, Revision]:
    letters = Letter.objects.of(ref.person).draft_or_kept().select_for_update()
    letter: Letter | None = letters.filter(pk=ref.letter_id).first()
    revisions = Revision.objects.of(ref.person).filter(letter=ref.letter_id)
    revision: Revision | None = revisions.filter(pk=ref.revision_id).first()
    if letter is None or revision is None:
        raise InvalidTransition
    return letter, revision


def _save_as_draft(person: User, letter: Letter, revision: Revision, *, now: datetime) -> Letter:
    words = revision.open(person.key)
    revision.mark_decided()
    # The same id each time: a second request finds the draft that the first one made.
    id = uuid5(revision.pk, "of its own")
    submission = Submission(words, is_stored=True)
    saved = save_words(person=person, id=id, submission=submission, kind=letter.kind, now=now)
    return saved.letter
