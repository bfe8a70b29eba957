"""A yes or no that is sealed in a column of the person."""

from collections.abc import Callable

import pytest

from accounts.guide_settings import ASKS_WHY
from accounts.models import User
from accounts.sealed_switch import SealedSwitch
from journal.names_on_shelf import SHOWS_NAMES
from vault.sealing import CannotOpen, pack, unpack

SWITCHES = pytest.mark.parametrize(
    "switch", [ASKS_WHY, SHOWS_NAMES], ids=lambda each: str(each.name)
)


def stored(switch: SealedSwitch, person: User) -> bytes | None:
    sealed = User.objects.values_list(switch.column, flat=True).get(pk=person.pk)
    return None if sealed is None else bytes(sealed)


# By these names every later version must open what was sealed.
@pytest.mark.parametrize(
    ("switch", "purpose", "name"),
    [
        (ASKS_WHY, "accounts.guide_settings", "asks_why"),
        (SHOWS_NAMES, "journal.shelf_settings", "shows_names"),
    ],
)
def test_it_is_sealed_for_its_owner(
    alice: User, switch: SealedSwitch, purpose: str, name: str
) -> None:
    assert not switch.is_on(alice)
    lengths = set()
    for is_on in (True, False):
        switch.turn(alice, is_on=is_on)
        sealed = stored(switch, alice)
        assert sealed is not None
        assert unpack(alice.key.open(purpose, alice.pk, sealed)) == {name: is_on}
        assert switch.is_on(User.objects.get(pk=alice.pk)) == is_on
        lengths.add(len(sealed))

    assert len(lengths) == 1, "its length tells nothing"


@SWITCHES
def test_nothing_is_sealed_for_what_is_so_already(alice: User, switch: SealedSwitch) -> None:
    switch.turn(alice, is_on=False)
    assert stored(switch, alice) is None
    switch.turn(alice, is_on=True)
    before = stored(switch, alice)

    switch.turn(alice, is_on=True)

    assert stored(switch, alice) == before


def of_bob(switch: SealedSwitch, alice: User, bob: User) -> bytes:
    return bob.key.seal(switch.purpose, alice.pk, pack({switch.name: True}))


def of_another_purpose(switch: SealedSwitch, alice: User, bob: User) -> bytes:
    return alice.key.seal("accounts.profile", alice.pk, pack({switch.name: True}))


def moved(switch: SealedSwitch, alice: User, bob: User) -> bytes:
    return alice.key.seal(switch.purpose, bob.pk, pack({switch.name: True}))


def damaged(switch: SealedSwitch, alice: User, bob: User) -> bytes:
    return b"\1damaged"


@SWITCHES
@pytest.mark.parametrize("make", [of_bob, of_another_purpose, moved, damaged])
def test_what_does_not_open_is_told_and_stays(
    alice: User, bob: User, switch: SealedSwitch, make: Callable[[SealedSwitch, User, User], bytes]
) -> None:
    sealed = make(switch, alice, bob)
    User.objects.filter(pk=alice.pk).update(**{switch.column: sealed})
    alice.refresh_from_db()

    with pytest.raises(CannotOpen):
        switch.is_on(alice)
    for is_on in (True, False):
        with pytest.raises(CannotOpen):
            switch.turn(alice, is_on=is_on)
    assert stored(switch, alice) == sealed
