"""Sealed bytes that were swapped, flipped or cut: a calm sentence, and the row stays as it is."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from pytest_django import Settings

from accounts.actions import choose_name
from accounts.guide_settings import set_asks_why
from accounts.models import Profile, User
from healing.models import Answer
from journal.models import Letter
from journal.names_on_shelf import set_shows_names
from tests.adversarial.conftest import keep_letter, keep_words
from tests.support.client import Client
from tests.support.letters import a_draft, words_of
from tests.support.private_words import BODY, CANARIES, TO
from vault.key_ring import new_keyset
from vault.models import Key, Sealed

SAID = "We cannot open"
KEPT = "still stored"


def _set(row: Sealed, **plain: Any) -> None:
    type(row)._base_manager.filter(pk=row.pk).update(**plain)


def _cut(row: Sealed, bob: User, now: datetime, settings: Settings) -> None:
    _set(row, sealed=bytes(row.sealed)[:-1])


def _emptied(row: Sealed, bob: User, now: datetime, settings: Settings) -> None:
    _set(row, sealed=b"")


def _longer(row: Sealed, bob: User, now: datetime, settings: Settings) -> None:
    _set(row, sealed=bytes(row.sealed) + b"x")


def _flipped(row: Sealed, bob: User, now: datetime, settings: Settings) -> None:
    whole = bytes(row.sealed)
    _set(row, sealed=whole[:30] + bytes([whole[30] ^ 1]) + whole[31:])


def _plain(row: Sealed, bob: User, now: datetime, settings: Settings) -> None:
    _set(row, sealed=b'{"to":"","body":"open","name":"open","fields":{}}')


def _of_another_row(row: Sealed, bob: User, now: datetime, settings: Settings) -> None:
    fresh = type(row).sealed_by(row.owner.key, row.open(row.owner.key), now=now)
    _set(row, sealed=fresh.sealed)


def _of_another_person(row: Sealed, bob: User, now: datetime, settings: Settings) -> None:
    """A row with the same words and the same id, sealed by Bob’s key."""
    theirs = type(row).sealed_by(bob.key, row.open(row.owner.key), now=now, id=row.pk)
    _set(row, sealed=theirs.sealed)


def _of_another_purpose(row: Sealed, bob: User, now: datetime, settings: Settings) -> None:
    key = row.owner.key
    words = key.open(row.purpose, row.pk, row.sealed)
    _set(row, sealed=key.seal("something.else", row.pk, words))


def _of_another_scheme(row: Sealed, bob: User, now: datetime, settings: Settings) -> None:
    _set(row, scheme=2)


def _key_of_another_person(row: Sealed, bob: User, now: datetime, settings: Settings) -> None:
    Key.objects.filter(owner=row.owner).update(wrapped=Key.objects.get(owner=bob).wrapped)


def _key_cut(row: Sealed, bob: User, now: datetime, settings: Settings) -> None:
    wrapped = bytes(Key.objects.get(owner=row.owner).wrapped)
    Key.objects.filter(owner=row.owner).update(wrapped=wrapped[:-1])


def _key_gone(row: Sealed, bob: User, now: datetime, settings: Settings) -> None:
    """As in a backup without keys."""
    Key.objects.filter(owner=row.owner).delete()


def _master_key_gone(row: Sealed, bob: User, now: datetime, settings: Settings) -> None:
    settings.VAULT_KEYS = f"k2:{new_keyset()}"


def _master_key_wrong(row: Sealed, bob: User, now: datetime, settings: Settings) -> None:
    # As the first key it would not even seal a session: nobody could sign in.
    settings.VAULT_KEYS = f"k2:{new_keyset()},k1:{new_keyset()}"


ROW_BROKEN = [_cut, _emptied, _longer, _flipped, _plain, _of_another_row, _of_another_person]
ROW_BROKEN += [_of_another_purpose, _of_another_scheme]
KEY_BROKEN = [_key_of_another_person, _key_cut, _key_gone, _master_key_gone, _master_key_wrong]

Break = Callable[[Sealed], tuple[Any, ...]]


@pytest.fixture
def broken(
    browser: Client, alice: User, bob: User, now: datetime, settings: Settings, damage: Any
) -> Break:
    """Break the row. Return the bytes that it has from then on."""

    def do(row: Sealed) -> tuple[Any, ...]:
        damage(row, bob, now, settings)
        # Sessions are sealed by the master key too: with another one she has to sign in again.
        browser.force_login(alice)
        return stored(row)

    return do


def stored(row: Sealed) -> tuple[Any, ...]:
    found = type(row)._base_manager.filter(pk=row.pk).values_list().get()
    return tuple(bytes(value) if isinstance(value, memoryview) else value for value in found)


def _named(damage: Any) -> str:
    return str(damage.__name__).strip("_").replace("_", " ")


every_damage = pytest.mark.parametrize("damage", ROW_BROKEN + KEY_BROKEN, ids=_named)
broken_key = pytest.mark.parametrize("damage", KEY_BROKEN, ids=_named)
broken_row = pytest.mark.parametrize("damage", ROW_BROKEN, ids=_named)


def shows_no_word(page: Any) -> bool:
    return not [word for word in CANARIES if word in page.text]


@every_damage
def test_letter_stays_unreadable_and_untouched(
    browser: Client, letter: Letter, broken: Break
) -> None:
    before, address = broken(letter), f"/journal/{letter.pk}/"

    page = browser.get(address)

    assert page.status_code in {200, 503}
    assert SAID in page.text
    assert KEPT in page.text
    assert shows_no_word(page)
    # Pages that do not show the words work.
    for elsewhere in ("/today/", "/journal/", f"{address}let-go/", f"{address}seal/"):
        page = browser.get(elsewhere)
        assert (page.status_code, shows_no_word(page)) == (200, True)
    assert stored(letter) == before


@every_damage
def test_draft_stays_unreadable_and_untouched(
    browser: Client, alice: User, now: datetime, broken: Break
) -> None:
    draft = a_draft(alice, BODY, now=now)
    before, address = broken(draft), f"/journal/{draft.pk}/edit/"

    page = browser.get(address)

    assert SAID in page.text
    assert KEPT in page.text
    assert shows_no_word(page)
    assert stored(draft) == before


@broken_row
@pytest.mark.parametrize("way", ["edit/", "autosave/"])
def test_words_for_a_draft_that_does_not_open_are_a_draft_of_their_own(
    browser: Client, alice: User, now: datetime, broken: Break, way: str
) -> None:
    draft = a_draft(alice, BODY, now=now)
    before = broken(draft)
    sent = {"id": str(draft.pk), "kind": "them", "to": "", "body": "over it", "version": "1"}

    for _ in range(2):
        browser.post(f"/journal/{draft.pk}/{way}", sent)

    assert stored(draft) == before
    (other,) = Letter.objects.of(alice).exclude(pk=draft.pk)
    assert words_of(other, alice).body == "over it"


@broken_row
def test_going_back_to_the_desk_writes_over_nothing(
    browser: Client, alice: User, letter: Letter, broken: Break
) -> None:
    """The page of this letter is submitted once more."""
    before = broken(letter)

    sent = {"id": str(letter.pk), "to": "", "body": "written again"}
    page = browser.post("/journal/write/them/", sent, follow=True)

    assert "written again" in page.text
    assert stored(letter) == before
    assert Letter.objects.of(alice).count() == 2


@every_damage
def test_answer_stays_unreadable_and_untouched(
    browser: Client, answer: Answer, broken: Break
) -> None:
    before, sheet = broken(answer), "/steps/1/filling-in/"
    address, sent = f"{sheet}{answer.pk}/", {"moments-0-happened": "over it"}

    for page in (browser.get(sheet), browser.get(address), browser.post(address, sent)):
        assert page.status_code in {200, 503}
        assert SAID in page.text
        assert KEPT in page.text
        assert shows_no_word(page)
    for elsewhere in ("/today/", "/progress/", "/steps/", "/steps/1/", f"{address}delete/"):
        page = browser.get(elsewhere)
        assert (page.status_code, shows_no_word(page)) == (200, True)
    assert stored(answer) == before


@every_damage
def test_name_stays_unreadable_and_untouched(
    browser: Client, alice: User, profile: Profile, broken: Break
) -> None:
    before = broken(profile)
    sent = {"name": "Over it", "time_zone": "Europe/Oslo", "language": "en"}

    for page in (browser.get("/you/"), browser.post("/you/", sent)):
        assert page.status_code in {200, 503}
        assert SAID in page.text
        assert KEPT in page.text
        assert shows_no_word(page)
    page = browser.get("/today/")
    assert (page.status_code, shows_no_word(page)) == (200, True)
    assert stored(profile) == before
    assert User.objects.get(pk=alice.pk).time_zone == "UTC"


@every_damage
def test_shelf_with_names_lists_a_letter_that_does_not_open_without_its_name(
    browser: Client, alice: User, letter: Letter, broken: Break
) -> None:
    set_shows_names(alice, shows_names=True)
    assert TO in browser.get("/journal/").text
    before = broken(letter)

    page = browser.get("/journal/")

    assert (page.status_code, shows_no_word(page)) == (200, True)
    assert f"/journal/{letter.pk}/" in page.text
    assert stored(letter) == before


@broken_key
def test_shelf_settings_wait_while_the_key_is_closed(
    browser: Client, alice: User, letter: Letter, broken: Break
) -> None:
    set_shows_names(alice, shows_names=True)
    before = bytes(User.objects.get(pk=alice.pk).shelf_settings)
    broken(letter)

    for sent in ({"shows_names": "on"}, {}):
        page = browser.post("/journal/names/", sent)
        assert page.status_code == 503
        assert SAID in page.text
    assert bytes(User.objects.get(pk=alice.pk).shelf_settings) == before


@broken_key
def test_guide_settings_wait_while_the_key_is_closed(
    browser: Client, alice: User, letter: Letter, broken: Break
) -> None:
    set_asks_why(alice, asks_why=True)
    before = bytes(User.objects.get(pk=alice.pk).guide_settings)
    broken(letter)

    for sent in ({"asks_why": "on"}, {}):
        page = browser.post("/you/guide/", sent)
        assert page.status_code == 503
        assert SAID in page.text
    assert bytes(User.objects.get(pk=alice.pk).guide_settings) == before


@broken_key
def test_new_words_wait_on_the_page_while_the_key_is_closed(
    browser: Client, alice: User, answer: Answer, broken: Break
) -> None:
    before = broken(answer)
    letter = {"id": str(uuid4()), "to": "M.", "body": "not saved yet"}

    for address, sent in (
        ("/journal/write/them/", letter),
        ("/steps/1/filling-in/", {"moments-0-happened": "not saved yet"}),
    ):
        page = browser.post(address, sent)
        assert page.status_code == 503
        assert "What you wrote is here, but not saved yet." in page.text
        assert "not saved yet</textarea>" in page.text
    assert not Letter.objects.exists()
    assert Answer.objects.of(alice).count() == 1
    assert stored(answer) == before


@pytest.mark.parametrize("damage", [_cut, _key_gone, _master_key_gone], ids=_named)
def test_what_does_not_open_can_still_be_erased(
    browser: Client, alice: User, letter: Letter, broken: Break
) -> None:
    broken(letter)

    page = browser.post("/you/privacy/erase/", {"password": "quiet harbour 42"})

    assert page.status_code == 302
    assert not Letter.objects.exists()


def test_others_are_not_affected(
    as_bob: Client, bob: User, alice: User, letter: Letter, now: datetime
) -> None:
    choose_name(person=bob, name="Bo", now=now)
    theirs, words = keep_letter(bob, now), keep_words(bob, now)
    Letter.objects.of(alice).update(sealed=theirs.sealed)
    Key.objects.filter(owner=alice).update(wrapped=Key.objects.get(owner=bob).wrapped)

    assert BODY in as_bob.get(f"/journal/{theirs.pk}/").text
    assert as_bob.get(f"/steps/1/filling-in/{words.pk}/").status_code == 200
    assert "Bo</bdi>" in as_bob.get("/today/").text
