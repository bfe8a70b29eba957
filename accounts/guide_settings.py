"""What somebody has said about how the guide should meet them, sealed under their key.

A column of `User` and not a row of its own: each request reads that row anyway.
"""

from accounts.models import User
from vault.primary_key_check import sealing_ring
from vault.sealing import CannotOpen, pack, unpack

PURPOSE = "accounts.guide_settings"


def asks_why(person: User) -> bool:
    """Whether this person has said that they keep asking why.

    If that cannot be opened: what may have been left out for their sake stays left out.
    """
    try:
        return _open_setting(person)
    except CannotOpen:
        return True


def can_open(person: User) -> bool:
    try:
        _open_setting(person)
    except CannotOpen:
        return False
    return True


def set_asks_why(person: User, *, asks_why: bool) -> None:
    """Raises CannotOpen, also if what was said before cannot be opened: it is not overwritten."""
    if _open_setting(person) == asks_why:
        return
    sealing_ring()
    data = pack({"asks_why": asks_why})
    person.guide_settings = person.key.seal(PURPOSE, person.pk, data)
    # Not save(), which raises if the account was erased meanwhile.
    User.objects.filter(pk=person.pk).update(guide_settings=person.guide_settings)


def _open_setting(person: User) -> bool:
    if person.guide_settings is None:
        return False
    contents = unpack(person.key.open(PURPOSE, person.pk, person.guide_settings))
    asks_why: bool = contents["asks_why"]
    return asks_why
