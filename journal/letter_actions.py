"""What becomes of a letter: sealed until a day, let go or thrown away (ADR 26)."""

from datetime import date, datetime
from uuid import UUID

from django.db import transaction

from accounts.models import User
from journal.conflict_resolution import save_late_as_drafts
from journal.models import Ended, InvalidTransition, Letter, Revision


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
    delete_letters([letter.pk], ended=[Ended.id_of(person, letter.pk)], now=now)


def delete_letters(ids: list[UUID], *, ended: list[UUID], now: datetime) -> None:
    """Delete these letters, and remember the ids of those that ended."""
    Ended.objects.bulk_create([Ended(pk=id, ended_at=now) for id in ended], ignore_conflicts=True)
    Letter.objects.filter(pk__in=ids).delete()
