"""What somebody has said about how the guide should meet them."""

from contextlib import suppress

from accounts.models import User
from accounts.sealed_switch import SealedSwitch
from vault.sealing import CannotOpen

ASKS_WHY = SealedSwitch("guide_settings", "accounts.guide_settings", "asks_why")


def asks_why(person: User) -> bool:
    """Whether this person has said that they keep asking why.

    If that cannot be opened: what may have been left out for their sake stays left out.
    """
    try:
        return ASKS_WHY.is_on(person)
    except CannotOpen:
        return True


def can_open(person: User) -> bool:
    try:
        ASKS_WHY.is_on(person)
    except CannotOpen:
        return False
    return True


def set_asks_why(person: User, *, asks_why: bool) -> None:
    """Raises CannotOpen."""
    ASKS_WHY.turn(person, is_on=asks_why)


def seal_default(person: User) -> None:
    """Seal a “no” for everybody: a column that only some have would tell who has ever said yes."""
    if person.guide_settings is None:
        with suppress(CannotOpen):
            ASKS_WHY.seal(person, is_on=False)
