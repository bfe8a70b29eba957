import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from django.conf import LazySettings
from django.core import signing
from django.db import connection
from django.db.models import Model
from django.utils import timezone
from pytest_django.asserts import assertRedirects

from accounts.actions import open_account
from accounts.models import User
from tests.support.client import PASSWORD, Client
from tests.support.database import Statements
from vault.key_ring import new_keyset, ring
from vault.models import Key
from vault.sealing import CannotOpen
from vault.sessions import (
    ENDS_AT,
    LOCKED_AT,
    Session,
    SessionStore,
    cookie_for,
    key_in,
    load_session,
)

COOKIE = "n"


class RawBytes:
    """A serializer that returns what a thief gets: signature and compression removed."""

    def loads(self, data: bytes) -> bytes:
        return data


# --- The cookie and the key ----------------------------------------------------------------


def test_cookie_leads_to_its_session(as_alice: Client) -> None:
    assert as_alice.get("/today/").status_code == 200
    assert key_in(as_alice.cookies[COOKIE].value) == Session.objects.get().session_key


def test_key_taken_from_the_database_signs_nobody_in(as_alice: Client, client: Client) -> None:
    client.cookies[COOKIE] = Session.objects.get().session_key

    assertRedirects(client.get("/today/"), "/accounts/login/?next=/today/")


@pytest.mark.parametrize("change", [str.upper, lambda cookie: cookie[:-1], lambda cookie: "x"])
def test_cookie_that_was_tampered_with_signs_nobody_in(
    as_alice: Client, client: Client, change: Callable[[str], str]
) -> None:
    client.cookies[COOKIE] = change(as_alice.cookies[COOKIE].value)

    assertRedirects(client.get("/today/"), "/accounts/login/?next=/today/")


def test_key_is_changed_at_sign_in(client: Client, db: None, now: datetime) -> None:
    alice = open_account(email="alice@example.org", password=PASSWORD, now=now)
    planted = SessionStore()
    planted["planted"] = "by someone else"
    planted.save()
    client.cookies[COOKIE] = cookie_for(str(planted.session_key))

    client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})

    assert key_in(client.cookies[COOKIE].value) != planted.session_key
    assert not planted.exists(planted.session_key)


def test_rotated_key_carries_the_session_with_it(as_alice: Client, alice: User) -> None:
    before = as_alice.session.session_key
    session = SessionStore(before)

    session.rotate_to_locked_key()

    [row] = Session.objects.of(alice)
    assert row.session_key == session.session_key != before
    assert row.get_decoded() == dict(session.items())


def test_ended_session_does_not_come_back_by_rotating(as_alice: Client, alice: User) -> None:
    session = as_alice.session
    before, _contents = session.session_key, session.items()
    Session.objects.of(alice).delete()

    session.rotate_to_locked_key()

    assert session.session_key == before
    assert not Session.objects.exists()


def test_key_from_before_a_lock_finds_the_locked_session(
    as_alice: Client, alice: User, settings: LazySettings
) -> None:
    before = str(as_alice.session.session_key)
    locked = SessionStore(before)
    locked[LOCKED_AT] = timezone.now().timestamp()
    locked.rotate_to_locked_key()

    late = SessionStore(before)

    assert dict(late.items()) == dict(locked.items())
    assert (late.session_key, late.found_by_old_key) == (locked.session_key, True)
    assert not SessionStore(locked.session_key).found_by_old_key
    # The locked key cannot be derived without SECRET_KEY.
    settings.SECRET_KEY = "another"
    assert dict(SessionStore(before).items()) == {}


def test_key_from_before_a_lock_finds_nothing_once_it_is_unlocked(as_alice: Client) -> None:
    before = as_alice.session.session_key
    session = SessionStore(before)
    session[LOCKED_AT] = timezone.now().timestamp()
    session.rotate_to_locked_key()
    locked_key = session.session_key

    session.rotate_to_derived_key()

    assert dict(SessionStore(before).items()) == {}
    assert dict(SessionStore(locked_key).items()) == {}
    # Nor when it is locked a second time.
    session.rotate_to_locked_key()
    assert dict(SessionStore(before).items()) == {}
    assert dict(SessionStore(locked_key).items()) == {}


def test_cookie_keeps_its_attributes(client: Client, alice: User) -> None:
    client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})

    cookie = client.cookies[COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")


# --- The contents --------------------------------------------------------------------------


def test_session_data_cannot_be_read_in_the_database(client: Client, db: None) -> None:
    session = client.session
    session["waiting"] = "code 12345678"
    session.save()

    stored = Session.objects.get().session_data
    assert SessionStore(session.session_key)["waiting"] == "code 12345678"
    assert b"12345678" not in signing.loads(stored, salt=session.key_salt, serializer=RawBytes)


def test_session_sealed_by_a_lost_key_is_empty(as_alice: Client, settings: LazySettings) -> None:
    settings.VAULT_KEYS = f"k2:{new_keyset()}"

    assertRedirects(as_alice.get("/today/"), "/accounts/login/?next=/today/")


def test_expired_entries_of_a_session_that_does_not_open_stay(
    as_alice: Client, settings: LazySettings
) -> None:
    as_alice.post("/journal/search/", {"text": "river"})
    row = Session.objects.get()
    settings.VAULT_KEYS = f"k2:{new_keyset()}"

    row.drop_expired_entries(now=row.entries_end_at)

    assert Session.objects.get().session_data == row.session_data


def test_expired_entries_do_not_undo_what_another_request_saved(as_alice: Client) -> None:
    as_alice.post("/journal/search/", {"text": "river"})
    read = Session.objects.get()
    as_alice.post("/journal/search/", {"text": "sea"})
    saved = Session.objects.get()

    read.drop_expired_entries(now=read.entries_end_at)

    assert Session.objects.get().session_data == saved.session_data


def test_session_knows_its_owner(as_alice: Client, alice: User, client: Client) -> None:
    as_alice.get("/today/")
    anonymous = client.session
    anonymous["code"] = "12345678"
    anonymous.save()

    assert [row.session_key for row in Session.objects.of(alice)] == [
        key_in(as_alice.cookies[COOKIE].value)
    ]
    assert [row.session_key for row in Session.objects.anonymous()] == [anonymous.session_key]


def test_session_has_no_owner_after_sign_out(as_alice: Client) -> None:
    as_alice.post("/accounts/logout/")

    assert not Session.objects.exclude(owner=None).exists()


def test_str_of_a_session_shows_no_key(as_alice: Client) -> None:
    row = Session.objects.get()

    assert row.session_key not in f"{row} {row!r}"


# --- The row they belong to ---------------------------------------------------------------


def stored_data(session: SessionStore) -> str:
    data: str = Session.objects.get(pk=session.session_key).session_data
    return data


def store(session: SessionStore, data: str, **more: Any) -> None:
    """What somebody who can write to the database can do."""
    Session.objects.filter(pk=session.session_key).update(session_data=data, **more)


def is_signed_in(browser: Client) -> bool:
    return browser.get("/today/").status_code == 200


def test_contents_of_another_session_do_not_open(
    as_alice: Client, alice: User, as_bob: Client
) -> None:
    """In a row of his own, somebody would be signed in as she is."""
    store(as_bob.session, stored_data(as_alice.session), owner=alice)

    assert not is_signed_in(as_bob)
    assert Session.objects.get(pk=as_bob.session.session_key).get_decoded() == {}
    assert is_signed_in(as_alice)


@pytest.mark.parametrize("owner", ["bob", None])
def test_contents_do_not_open_in_a_row_of_another_owner(
    as_alice: Client, bob: User, owner: str | None
) -> None:
    """Signing out everywhere and erasing find sessions by this column."""
    session = as_alice.session
    store(session, stored_data(session), owner=bob if owner else None)

    assert not is_signed_in(as_alice)


def test_contents_from_before_a_lock_do_not_unlock_it(as_alice: Client) -> None:
    assert is_signed_in(as_alice)
    unlocked = stored_data(as_alice.session)
    as_alice.get("/leave/")
    store(as_alice.session, unlocked)

    assert not is_signed_in(as_alice)


def test_contents_open_after_each_change_of_the_key(as_alice: Client) -> None:
    session = SessionStore(as_alice.session.session_key)
    for change in (
        session.rotate_to_locked_key,
        session.rotate_to_derived_key,
        session.cycle_key,
    ):
        expected = dict(session.items())
        change()
        session.save()
        assert dict(SessionStore(session.session_key).items()) == expected != {}


def test_session_cannot_be_made_to_last_longer(as_alice: Client) -> None:
    """When it ends is also in its contents."""
    with time_machine.travel("2026-03-12 08:00Z", tick=False) as clock:
        session = as_alice.session
        session.set_absolute_expiry(timezone.now() + timedelta(hours=1), persistent=False)
        session.save()
        Session.objects.update(expire_date=timezone.now() + timedelta(days=365))
        clock.shift(timedelta(minutes=59))
        assert SessionStore(session.session_key).get(ENDS_AT)
        clock.shift(timedelta(minutes=2))

        assert dict(SessionStore(session.session_key).items()) == {}


def test_older_state_of_a_whole_row_comes_back_as_it_was(as_alice: Client, alice: User) -> None:
    """What binding cannot prevent (docs/security.md): all of a row put back, key and contents."""
    assert is_signed_in(as_alice)
    cookie = as_alice.cookies[COOKIE].value
    row = Session.objects.get()
    as_alice.post("/accounts/logout/")
    assert not Session.objects.of(alice).exists()
    row.save(force_insert=True)
    as_alice.cookies[COOKIE] = cookie

    assert is_signed_in(as_alice)


# --- Contents from before they were bound to a row -----------------------------------------


def as_stored_before(session: SessionStore) -> str:
    """Seal the contents as earlier versions did, for no row in particular."""

    class Unbound:
        def dumps(self, contents: Any) -> bytes:
            return ring().seal("session", UUID(int=0), json.dumps(contents).encode())

    data: str = signing.dumps(
        dict(session.items()), salt=session.key_salt, serializer=Unbound, compress=True
    )
    return data


def bound_contents(session: SessionStore) -> Any:
    """Open by names that must stay as they are."""
    key = hashlib.sha256(str(session.session_key).encode()).digest()[:16]
    sealed = signing.loads(stored_data(session), salt=session.key_salt, serializer=RawBytes)
    return json.loads(ring().open("session", UUID(bytes=key), sealed))


def test_contents_are_sealed_for_the_row_of_their_key(as_alice: Client) -> None:
    assert bound_contents(as_alice.session) == dict(as_alice.session.items())


def test_session_from_before_stays_signed_in_and_is_bound(
    as_alice: Client, statements: Statements
) -> None:
    assert is_signed_in(as_alice)
    session = as_alice.session
    contents = dict(session.items())
    store(session, as_stored_before(session))
    with pytest.raises(CannotOpen):
        bound_contents(session)

    assert is_signed_in(as_alice)

    assert bound_contents(session) == contents
    with statements() as asked:
        assert is_signed_in(as_alice)
    assert not [sql for sql in asked if "UPDATE" in sql]


def test_session_from_before_that_another_request_saves_meanwhile_is_not_overwritten(
    as_alice: Client,
) -> None:
    session = as_alice.session
    newer = [SessionStore(session.session_key)]
    newer[0]["code"] = "12345678"
    store(session, as_stored_before(session))

    def save_after_reading(execute: Callable[..., Any], *query: Any) -> Any:
        result = execute(*query)
        if newer and 'FROM "vault_session"' in query[0]:
            newer.pop().save()
        return result

    with connection.execute_wrapper(save_after_reading):
        assert "code" not in SessionStore(session.session_key)

    assert not newer
    assert bound_contents(session)["code"] == "12345678"


def test_session_from_before_opens_while_nothing_can_be_sealed(
    as_alice: Client, settings: LazySettings
) -> None:
    session = as_alice.session
    assert session.items()
    settings.VAULT_KEYS = second = f"k2:{new_keyset()}"
    before = as_stored_before(session)
    store(session, before)
    settings.VAULT_KEYS = f"k1:{new_keyset()},{second}"

    assert SessionStore(session.session_key).items()

    assert stored_data(session) == before


def test_contents_from_before_open_for_as_long_as_such_a_session_lasts(as_alice: Client) -> None:
    """Later they are no session of anybody's, but something that was put back."""
    session = as_alice.session
    with time_machine.travel("2026-03-12 08:00Z", tick=False) as clock:
        store(session, as_stored_before(session), expire_date="2036-01-01T00:00Z")
        assert Session.objects.get().get_decoded()
        clock.shift(timedelta(days=30, seconds=1))

        assert dict(SessionStore(session.session_key).items()) == {}
        assert Session.objects.get().get_decoded() == {}


# --- Loading -------------------------------------------------------------------------------


def columns(row: Model) -> dict[str, Any]:
    values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    # Equal bytes in two memoryviews are equal; show them, should they differ.
    return {name: (type(value), value) for name, value in values.items()}


def test_loaded_rows_are_those_of_the_orm(
    as_alice: Client, alice: User, bob: User, statements: Statements
) -> None:
    as_alice.get("/today/")
    key = Session.objects.of(alice).get().session_key
    expected = Session.objects.select_related("owner__wrapped_key").get(pk=key)

    with statements() as asked:
        loaded = load_session(key, timezone.now())
        assert loaded is not None
        rows = [loaded, loaded.owner, loaded.owner.wrapped_key, loaded.owner.wrapped_key.owner]
    assert len(asked) == 1
    expected_rows = [expected, expected.owner, expected.owner.wrapped_key, alice]
    assert [columns(row) for row in rows[:3]] == [columns(row) for row in expected_rows[:3]]
    assert rows == expected_rows
    assert {(row._state.adding, row._state.db) for row in rows} == {(False, "default")}


def test_loaded_session_without_an_account_has_no_owner(client: Client, db: None) -> None:
    session = client.session
    session["code"] = "12345678"
    session.save()

    loaded = load_session(session.session_key, timezone.now())

    assert loaded == Session.objects.get()
    assert loaded.owner is None
    assert loaded.get_decoded() == {"code": "12345678"}


def test_loaded_owner_whose_key_is_missing_has_none(as_alice: Client, alice: User) -> None:
    Key.objects.all().delete()

    loaded = load_session(as_alice.session.session_key, timezone.now())

    assert loaded is not None
    assert loaded.owner == alice
    with pytest.raises(Key.DoesNotExist):
        _ = loaded.owner.wrapped_key


def test_unknown_or_expired_session_is_not_loaded(as_alice: Client) -> None:
    row = Session.objects.get()

    assert load_session("unknown", timezone.now()) is None
    assert load_session(row.session_key, row.expire_date) is None
    assert load_session(row.session_key, row.expire_date - timedelta(seconds=1)) == row


def test_request_reads_session_owner_and_key_in_one_statement(
    as_alice: Client, alice: User, statements: Statements
) -> None:
    as_alice.get("/today/")

    with statements() as asked:
        assert as_alice.get("/today/").status_code == 200

    tables = ('FROM "vault_session"', 'FROM "accounts_user"', 'FROM "vault_key"')
    reads = [sql for sql in asked if any(table in sql for table in tables)]
    assert len(reads) == 1, reads


# --- Expiry --------------------------------------------------------------------------------


def test_absolute_expiry_does_not_move_with_use(client: Client, db: None) -> None:
    with time_machine.travel("2026-03-12 08:00Z", tick=False) as clock:
        end = timezone.now() + timedelta(hours=1)
        session = client.session
        session.set_absolute_expiry(end, persistent=False)
        session.save()
        clock.shift(timedelta(minutes=59))
        session["used"] = True
        session.save()

        assert Session.objects.get().expire_date == end
        assert SessionStore(session.session_key)["used"]
        clock.shift(timedelta(minutes=2))
        assert "used" not in SessionStore(session.session_key)
        assert Session.objects.expired(timezone.now()).count() == 1


@pytest.mark.parametrize("persistent", [True, False])
def test_cookie_outlives_the_browser_only_where_that_was_chosen(
    as_alice: Client, alice: User, persistent: bool
) -> None:
    User.objects.update(lock_after=None if persistent else 15)

    as_alice.get("/today/")

    # A cookie without a max-age ends with the browser.
    thirty_days = 30 * 24 * 3600
    max_age = as_alice.cookies[COOKIE]["max-age"]
    assert (thirty_days - 60 < max_age <= thirty_days) if persistent else max_age == ""
