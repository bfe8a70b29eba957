from contextlib import suppress
from datetime import date, datetime
from uuid import UUID

from django.db import transaction

from accounts.models import User
from journal.conflict_resolution import save_late_as_drafts
from journal.models import (
    EMPTIED,
    ENDED_IDS_STORED_FOR,
    Ended,
    InvalidTransition,
    Letter,
    Opening,
    OpeningContents,
    Revision,
)
from vault.sealing import CannotOpen

# How many letters one run of a task takes.
BATCH_SIZE = 500
# How many first lines of their own a person may have for each kind of letter.
MAX_OPENINGS = 12


class TooManyOpenings(Exception):
    pass


# --- What becomes of a letter --------------------------------------------------------------


@transaction.atomic
def seal(*, person: User, letter: Letter, day: date, tell_hour: int | None, now: datetime) -> None:
    """Seal it until a day and delete its earlier versions.

    Raises CannotOpen and InvalidTransition.
    """
    letter.seal_until(day, tell_hour=tell_hour, person=person, now=now)
    save_late_as_drafts(person, letter, now=now)
    Revision.objects.of(person).filter(letter=letter, is_late=False).delete()


@transaction.atomic
def let_go(*, person: User, letter: Letter, leaves_line: bool, now: datetime) -> None:
    """Let it go; it can be brought back for a while. Raises CannotOpen and InvalidTransition."""
    letter.let_go(leaves_line=leaves_line, now=now)
    save_late_as_drafts(person, letter, now=now)


@transaction.atomic
def throw_away(*, person: User, letter: Letter, now: datetime) -> None:
    """Delete a draft at once. Raises CannotOpen, and InvalidTransition if it is not a draft."""
    if not letter.is_draft:
        raise InvalidTransition
    save_late_as_drafts(person, letter, now=now)
    _delete([letter.pk], ended=[Ended.id_of(person, letter.pk)], now=now)


@transaction.atomic
def delete_expired(*, now: datetime) -> int:
    """Empty or delete letters that can no longer be brought back. Returns how many.

    Safe to run any number of times at once.
    """
    expired = Letter.objects.expired(now).select_related("owner__wrapped_key").defer("sealed")
    unlocked = expired.select_for_update(of=("self",), skip_locked=True)
    rows = list(unlocked.order_by("let_go_at")[:BATCH_SIZE])
    lines = [row.pk for row in rows if row.leaves_line]
    Revision.objects.filter(letter__in=lines).delete()
    Letter.objects.filter(answers__in=lines).update(answers=None)
    Letter.objects.filter(pk__in=lines).update(state=Letter.State.GONE, **EMPTIED)
    deleted = [row for row in rows if not row.leaves_line]
    _delete([row.pk for row in deleted], ended=_ended_ids(deleted), now=now)
    Ended.objects.filter(ended_at__lte=now - ENDED_IDS_STORED_FOR).delete()
    return len(rows)


def _ended_ids(letters: list[Letter]) -> list[UUID]:
    ids = []
    for letter in letters:
        # A letter must be gone on time, also while its owner's key cannot be opened.
        with suppress(CannotOpen):
            ids.append(Ended.id_of(letter.owner, letter.pk))
    return ids


def _delete(ids: list[UUID], *, ended: list[UUID], now: datetime) -> None:
    Ended.objects.bulk_create([Ended(pk=id, ended_at=now) for id in ended], ignore_conflicts=True)
    Letter.objects.filter(pk__in=ids).delete()


# --- Own first lines -----------------------------------------------------------------------


@transaction.atomic
def add_opening(*, person: User, kind: str, text: str, now: datetime) -> None:
    """Save a first line for this kind of letter. Raises CannotOpen and TooManyOpenings."""
    # A second click must see the line that the first one saved: lock the person.
    User.objects.lock_row(person.pk)
    rows = list(Opening.objects.of(person).filter(kind=kind))
    if any(row.opens(person.key) and row.open(person.key).text == text for row in rows):
        return
    if len(rows) >= MAX_OPENINGS:
        raise TooManyOpenings
    Opening.sealed_by(person.key, OpeningContents(text), kind=kind, now=now).save(force_insert=True)
