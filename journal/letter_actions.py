"""What becomes of a letter: sealed until a day, let go or thrown away (ADR 26)."""

from datetime import date, datetime, timedelta
from uuid import UUID

from django.core.cache import cache
from django.db import transaction

from accounts.models import User
from journal.conflict_resolution import save_late_as_drafts
from journal.models import MAX_ENDED_A_DAY, Ended, InvalidTransition, Letter, Revision


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
    delete_letters(person=person, ids=[letter.pk], now=now)


def delete_letters(*, person: User, ids: list[UUID], now: datetime) -> None:
    """Delete these letters of a person, or lines of letters, and remember that they ended.

    Raises CannotOpen, and deletes nothing, if the person's key cannot be opened.
    """
    _remember_ended(person, ids, now=now)
    Letter.objects.of(person).filter(pk__in=ids).delete()


def _remember_ended(person: User, ids: list[UUID], *, now: datetime) -> None:
    """Store that these letters ended. Beyond a day's number they are only deleted: then a copy on a
    device may create one again."""
    name = f"ended:{person.pk}:{now:%Y-%m-%d}"
    count = cache.get(name, 0)
    remembered = ids[: max(0, MAX_ENDED_A_DAY - count)]
    if rows := [Ended(pk=Ended.id_of(person, id), ended_at=now) for id in remembered]:
        cache.set(name, count + len(rows), timedelta(days=1).total_seconds())
        Ended.objects.bulk_create(rows, ignore_conflicts=True)
