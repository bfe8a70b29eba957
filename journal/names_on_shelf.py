"""The names that letters speak to, on the shelf of those who want to see them there.

That they want it is sealed like the names: with `accounts.User`, under their key.
"""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from accounts.models import User
from accounts.sealed_switch import SealedSwitch
from journal.listed_letters import LISTED_FIELDS
from journal.models import Letter, LetterContents
from vault.sealing import CannotOpen

SHOWS_NAMES = SealedSwitch("shelf_settings", "journal.shelf_settings", "shows_names")
# The columns that a line with a name is made of.
NAMED_FIELDS = (*LISTED_FIELDS, "owner", "sealed", "scheme")


def shows_names(person: User) -> bool:
    """Whether this person has turned names on. If that cannot be opened, they stay hidden."""
    with suppress(CannotOpen):
        return SHOWS_NAMES.is_on(person)
    return False


def set_shows_names(person: User, *, shows_names: bool) -> None:
    """Raises CannotOpen."""
    SHOWS_NAMES.turn(person, is_on=shows_names)


def names_of(letters: Iterable[Letter], person: User, *, now: datetime) -> dict[UUID, str]:
    """Return the names that may be shown, by the letters' ids.

    A sealed letter is not opened before its day, nor one that was let go at all. One that cannot be
    opened has no name here; its own page says so.
    """
    names, today = {}, timezone.localdate(now)
    for letter in letters:
        if letter.is_draft_or_kept or letter.is_ready(today):
            with suppress(CannotOpen):
                contents: LetterContents = letter.open(person.key)
                names[letter.pk] = contents.to.strip()
    return names
