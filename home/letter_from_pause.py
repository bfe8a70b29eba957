"""The words of a hard moment become a letter: `pause` and `journal` do not see each other."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.models import User
from journal.letter_kinds import TO_THEM
from journal.models import Letter, Words
from journal.saving import save_words
from journal.submitted_letter import Submission
from pause.models import Pause


@transaction.atomic
def make_letter(*, person: User, row: Pause, now: datetime) -> Letter:
    """Put the words on the shelf, and delete the pause. Raises CannotOpen and QuotaExceeded."""
    page, words = row.pk, row.open(person.key).words
    # Deleted first, it leaves its room to the letter.
    row.delete()
    submission = Submission(words=Words(to="", body=words))
    letter = save_words(
        person=person, id=page, submission=submission, kind=TO_THEM.key, now=now
    ).letter
    if letter.is_draft:
        letter.keep(now=now)
    return letter


def letter_made(*, person: User, pause_id: UUID) -> Letter | None:
    """Return the letter that the words of this pause have become. Raises CannotOpen."""
    id = Letter.stored_id(person, pause_id)
    letter: Letter | None = Letter.objects.of(person).filter(pk=id).first()
    return letter
