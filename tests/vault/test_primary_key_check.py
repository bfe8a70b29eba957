"""A wrong master key under a known name seals nothing."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from accounts.models import User
from journal.models import Letter, LetterContents
from mail.actions import enqueue
from mail.emails import MailContent
from mail.models import Message
from tests.support.client import PASSWORD, Client
from tests.support.database import Statements
from vault.checks import ring_opens_what_is_stored
from vault.key_ring import new_keyset, ring
from vault.models import Key, UsedName
from vault.primary_key_check import sealing_ring
from vault.sealing import CannotOpen
from vault.sessions import Session, SessionStore

WORDS = LetterContents(to="M.", body="I kept checking if you had seen it.")
MAIL = MailContent("Your code", "Hello.", "<p>Hello.</p>")


def another(name: str) -> str:
    return f"{name}:{new_keyset()}"


def make_account(now: datetime) -> None:
    User.objects.create_user("dana@example.org", PASSWORD)


def make_session(now: datetime) -> None:
    session = SessionStore()
    session["waiting"] = "code 12345678"
    session.save()


def queue_mail(now: datetime) -> None:
    enqueue(kind="account.code", to="dana@example.org", content=MAIL, now=now)


SEALING = [make_account, make_session, queue_mail]


def everything() -> list[list[Any]]:
    return [
        list(model.objects.order_by("pk").values_list("pk", flat=True))
        for model in (User, Key, Session, Message, Letter)
    ]


# --- Nothing is sealed ---------------------------------------------------------------------


@pytest.mark.parametrize("seal", SEALING)
def test_wrong_key_under_a_known_name_seals_nothing(
    alice: User, settings: LazySettings, now: datetime, seal: Callable[[datetime], None]
) -> None:
    right, before = settings.VAULT_KEYS, everything()
    settings.VAULT_KEYS = another("k1")

    for _try in range(2):
        with pytest.raises(CannotOpen, match="Put the old key back"):
            seal(now)
    assert everything() == before

    settings.VAULT_KEYS = right
    seal(now)
    assert everything() != before


def test_wrong_key_seals_no_words_even_under_a_key_that_opens(
    alice: User, bob: User, settings: LazySettings, now: datetime
) -> None:
    """Bob's key opens by the second master key. With the wrong one before it nothing is sealed."""
    second = another("k2")
    settings.VAULT_KEYS = f"{second},{settings.VAULT_KEYS}"
    Key.objects.get(owner=bob).rewrap(sealing_ring())
    settings.VAULT_KEYS = f"{another('k1')},{second}"

    key = User.objects.get(pk=bob.pk).key
    with pytest.raises(CannotOpen, match="Put the old key back"):
        Letter.sealed_by(key, WORDS, now=now)


def test_wrong_key_wraps_no_key_again(alice: User, bob: User, settings: LazySettings) -> None:
    right = settings.VAULT_KEYS
    settings.VAULT_KEYS = f"{another('k2')},{right}"
    Key.objects.get(owner=bob).rewrap(sealing_ring())
    settings.VAULT_KEYS = f"{another('k2')},{right}"
    before = list(Key.objects.order_by("pk").values_list("pk", "kek", "wrapped"))

    with pytest.raises(CommandError, match=r"“k2”.* Put the old key back"):
        call_command("vault_rewrap")

    assert list(Key.objects.order_by("pk").values_list("pk", "kek", "wrapped")) == before


def test_new_name_seals_at_once(alice: User, settings: LazySettings, now: datetime) -> None:
    settings.VAULT_KEYS = f"{another('k2')},{settings.VAULT_KEYS}"

    bob = User.objects.create_user("bob@example.org", PASSWORD)

    assert Key.objects.get(owner=bob).kek == "k2"


def test_first_key_of_a_site_claims_its_name(
    db: None, settings: LazySettings, now: datetime
) -> None:
    """Two servers of a new site, with different keys under one name: the second is refused, though
    it has sealed sessions before."""
    first, second = another("k1"), another("k1")
    settings.VAULT_KEYS = second
    make_session(now)
    settings.VAULT_KEYS = first
    make_account(now)

    settings.VAULT_KEYS = second
    with pytest.raises(CannotOpen, match="Put the old key back"):
        make_session(now)


@pytest.mark.parametrize("first_seal", SEALING[1:])
@pytest.mark.parametrize("seal", SEALING)
def test_key_made_twice_at_a_change_of_the_master_key_seals_nothing(
    alice: User,
    settings: LazySettings,
    now: datetime,
    first_seal: Callable[[datetime], None],
    seal: Callable[[datetime], None],
) -> None:
    """Before anybody's key is wrapped by the new one, it seals sessions, forms that wait and mail,
    which would never open again."""
    old, first = settings.VAULT_KEYS, another("k2")
    settings.VAULT_KEYS = f"{first},{old}"
    first_seal(now)
    before = everything()

    settings.VAULT_KEYS = f"{another('k2')},{old}"
    for _try in range(2):
        with pytest.raises(CannotOpen, match="“k2”"):
            seal(now)
    assert everything() == before
    [said] = report()
    assert "“k2” in VAULT_KEYS is not the one that sealed sessions and mail" in said

    for keys in (f"{another('k3')},{old}", f"{first},{old}"):
        settings.VAULT_KEYS = keys
        make_session(now)
        assert report() == []
    call_command("vault_rewrap")
    make_session(now)


def test_key_that_wraps_peoples_keys_has_its_name_whatever_sealed_before(
    alice: User, settings: LazySettings, now: datetime
) -> None:
    settings.VAULT_KEYS = another("k1")
    Key.objects.update(fingerprint=ring().fingerprints["k1"])
    UsedName.objects.create(name="k1", fingerprint="0" * 32)

    make_session(now)

    assert report() == []


def test_two_keys_that_were_used_under_one_name_both_seal_nothing(
    alice: User, bob: User, settings: LazySettings, now: datetime
) -> None:
    """As after an earlier version, which sealed. A key with a name of its own goes on."""
    first, second = another("k1"), another("k1")
    for keys, person in ((first, alice), (second, bob)):
        settings.VAULT_KEYS = keys
        Key.objects.filter(owner=person).update(
            wrapped=ring().new_person_key(person.pk), fingerprint=ring().fingerprints["k1"]
        )

    for keys in (first, second):
        settings.VAULT_KEYS = keys
        with pytest.raises(CannotOpen, match="“k1”"):
            make_session(now)
    settings.VAULT_KEYS = f"{another('k2')},{first}"
    make_session(now)


def test_page_says_that_nothing_was_saved_and_returns_the_form(
    alice: User, client: Client, settings: LazySettings
) -> None:
    before = everything()
    settings.VAULT_KEYS = another("k1")
    client.raise_request_exception = False

    for address, form in (
        ("/accounts/login/", {"login": alice.email, "password": PASSWORD}),
        (
            "/accounts/signup/",
            {"email": "dana@example.org", "password1": "grey heron 77", "consent": "on"},
        ),
    ):
        page = client.post(address, form)
        assert (page.status_code, page.headers["Retry-After"]) == (503, "30")
        assert "What was saved before is still there" in page.text
    assert everything() == before
    for address in ("/", "/help/", "/steps/1/", "/accounts/login/"):
        assert client.get(address).status_code == 200


def test_stored_keys_are_compared_once_in_a_process(
    alice: User, settings: LazySettings, now: datetime, statements: Statements
) -> None:
    settings.VAULT_KEYS = another("k1")
    Key.objects.update(fingerprint=ring().fingerprints["k1"])

    with statements() as first:
        make_session(now)
    with statements() as second:
        make_session(now)

    assert len(first) == len(second) + 1


# --- Fingerprints --------------------------------------------------------------------------


@pytest.fixture
def stored_before(alice: User, bob: User, settings: LazySettings) -> None:
    """Keys of an earlier version, which stored no fingerprints."""
    settings.VAULT_KEYS = another("k1")
    for person in (alice, bob):
        Key.objects.filter(owner=person).update(
            wrapped=ring().new_person_key(person.pk), fingerprint=""
        )


def fingerprints() -> list[str]:
    return sorted(Key.objects.values_list("fingerprint", flat=True))


def test_new_key_has_the_fingerprint_of_the_master_key(alice: User) -> None:
    assert Key.objects.get().fingerprint == ring().fingerprints["k1"]


def test_keys_stored_before_get_their_fingerprint_at_the_first_opening(
    stored_before: None, now: datetime
) -> None:
    make_session(now)

    assert fingerprints() == [ring().fingerprints["k1"]] * 2


def test_keys_stored_before_under_an_older_name_get_theirs_too(
    stored_before: None, settings: LazySettings, now: datetime
) -> None:
    settings.VAULT_KEYS = f"{another('k2')},{settings.VAULT_KEYS}"

    make_session(now)

    assert fingerprints() == [ring().fingerprints["k1"]] * 2


def test_wrong_key_gives_no_fingerprint_to_keys_stored_before(
    stored_before: None, settings: LazySettings, now: datetime
) -> None:
    settings.VAULT_KEYS = another("k1")

    with pytest.raises(CannotOpen, match="Put the old key back"):
        make_session(now)

    assert fingerprints() == ["", ""]


def test_key_stored_before_that_opens_with_none_keeps_no_other_from_its_fingerprint(
    stored_before: None, alice: User, settings: LazySettings, now: datetime
) -> None:
    Key.objects.filter(owner=alice).update(kek="k0")
    settings.VAULT_KEYS = f"{another('k2')},{settings.VAULT_KEYS}"

    make_session(now)

    assert fingerprints() == ["", ring().fingerprints["k1"]]


def damage(person: User) -> None:
    Key.objects.filter(owner=person).update(wrapped=b"damaged" * 20)


def test_damaged_key_stored_before_stops_nobody_else(
    stored_before: None, alice: User, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    damage(alice)

    make_session(now)

    assert fingerprints() == ["", ring().fingerprints["k1"]]
    assert "some keys under the name of the first of VAULT_KEYS do not open" in caplog.text
    [said] = report()
    assert "does not open 1 of the keys" in said
    assert f"belong to the accounts {alice.pk}." in said


def test_key_that_opens_the_lesser_part_of_what_was_stored_before_seals_nothing(
    stored_before: None, alice: User, bob: User, settings: LazySettings, now: datetime
) -> None:
    """An earlier version took a wrong key under the name, and wrapped one new person's by it."""
    settings.VAULT_KEYS = another("k1")
    dana = User(email="dana@example.org")
    User.objects.bulk_create([dana])
    Key.objects.create(owner=dana, kek="k1", wrapped=ring().new_person_key(dana.pk), created_at=now)

    with pytest.raises(CannotOpen, match="Put the old key back"):
        make_session(now)


def test_rewrapped_key_has_the_fingerprint_of_the_new_master_key(
    stored_before: None, settings: LazySettings
) -> None:
    settings.VAULT_KEYS = f"{another('k2')},{settings.VAULT_KEYS}"

    call_command("vault_rewrap")

    assert fingerprints() == [ring().fingerprints["k2"]] * 2


# --- What checks report --------------------------------------------------------------------


def report() -> list[str]:
    return [error.msg for error in ring_opens_what_is_stored(databases=["default"])]


def test_every_stored_key_is_checked(alice: User, bob: User, settings: LazySettings) -> None:
    """One key of many was wrapped by another master key of the same name."""
    people = [
        User.objects.create_user(f"{number}@example.org", PASSWORD, pk=uuid4())
        for number in range(5)
    ]
    assert report() == []
    right, settings.VAULT_KEYS = settings.VAULT_KEYS, another("k1")
    stray = people[3].pk
    Key.objects.filter(owner=stray).update(
        wrapped=ring().new_person_key(stray), fingerprint=ring().fingerprints["k1"]
    )
    settings.VAULT_KEYS = right

    [said] = report()
    assert "“k1” in VAULT_KEYS does not open 1 of the keys stored under this name" in said


@pytest.mark.parametrize(
    ("keys", "said"),
    [("k1", "“k1” in VAULT_KEYS is not the one that wrapped the 2 keys"), ("k2", "“k1” is not in")],
)
def test_wrong_and_missing_keys_are_told_apart(
    alice: User, bob: User, settings: LazySettings, keys: str, said: str
) -> None:
    settings.VAULT_KEYS = another(keys)

    [found] = report()
    assert said in found


def test_key_stored_before_is_opened_to_be_checked(
    stored_before: None, alice: User, settings: LazySettings
) -> None:
    assert report() == []
    right, settings.VAULT_KEYS = settings.VAULT_KEYS, another("k1")
    Key.objects.filter(owner=alice).update(wrapped=ring().new_person_key(alice.pk))
    settings.VAULT_KEYS = right

    [said] = report()
    assert "does not open 1 of the keys" in said
    assert fingerprints() == ["", ""]
