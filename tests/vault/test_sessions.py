from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import time_machine
from django.conf import LazySettings
from django.core import signing
from django.utils import timezone
from pytest_django.asserts import assertRedirects

from accounts.actions import open_account
from accounts.models import User
from tests.conftest import PASSWORD, Client
from vault.models import Session
from vault.sealing import new_keyset
from vault.sessions import SessionStore, cookie_for, key_in

COOKIE = "n"


class AsItIs:
    """The bytes as a thief finds them, once the signature and the compression are off."""

    def loads(self, data: bytes) -> bytes:
        return data


def test_cookie_of_a_session_leads_to_it(as_alice: Client) -> None:
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
    strange = SessionStore()
    strange["planted"] = "by someone else"
    strange.save()
    client.cookies[COOKIE] = cookie_for(str(strange.session_key))

    client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})

    assert key_in(client.cookies[COOKIE].value) != strange.session_key
    assert not strange.exists(strange.session_key)


def test_session_moves_with_all_it_holds(as_alice: Client, alice: User) -> None:
    before = as_alice.session.session_key
    session = SessionStore(before)

    session.move()

    [row] = Session.objects.of(alice)
    assert row.session_key == session.session_key != before
    assert row.get_decoded() == dict(session.items())


def test_session_that_was_ended_does_not_move(as_alice: Client, alice: User) -> None:
    session = as_alice.session
    before, _contents = session.session_key, session.items()
    Session.objects.of(alice).delete()

    session.move()

    assert session.session_key == before
    assert not Session.objects.exists()


def test_cookie_keeps_what_django_says_about_it(client: Client, alice: User) -> None:
    client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})

    cookie = client.cookies[COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")


def test_what_waits_in_a_session_cannot_be_read_in_the_database(client: Client, db: None) -> None:
    session = client.session
    session["waiting"] = "code 12345678"
    session.save()

    stored = Session.objects.get().session_data
    assert SessionStore(session.session_key)["waiting"] == "code 12345678"
    assert b"12345678" not in signing.loads(stored, salt=session.key_salt, serializer=AsItIs)


def test_session_sealed_by_a_key_that_is_gone_is_an_empty_one(
    as_alice: Client, settings: LazySettings
) -> None:
    settings.VAULT_KEYS = f"k2:{new_keyset()}"

    assertRedirects(as_alice.get("/today/"), "/accounts/login/?next=/today/")


def test_session_knows_whose_it_is(as_alice: Client, alice: User, client: Client) -> None:
    as_alice.get("/today/")
    waiting = client.session
    waiting["code"] = "12345678"
    waiting.save()

    assert [row.session_key for row in Session.objects.of(alice)] == [
        key_in(as_alice.cookies[COOKIE].value)
    ]
    assert [row.session_key for row in Session.objects.of_nobody_yet()] == [waiting.session_key]


def test_session_is_nobodys_again_after_sign_out(as_alice: Client) -> None:
    as_alice.post("/accounts/logout/")

    assert not Session.objects.exclude(owner=None).exists()


def test_end_of_a_session_does_not_move_with_its_use(client: Client, db: None) -> None:
    with time_machine.travel("2026-03-12 08:00Z", tick=False) as clock:
        end = timezone.now() + timedelta(hours=1)
        session = client.session
        session.last_until(end, stays=False)
        session.save()
        clock.shift(timedelta(minutes=59))
        session["used"] = True
        session.save()

        assert Session.objects.get().expire_date == end
        assert SessionStore(session.session_key)["used"]
        clock.shift(timedelta(minutes=2))
        assert "used" not in SessionStore(session.session_key)
        assert Session.objects.ended(timezone.now()).count() == 1


@pytest.mark.parametrize("stays", [True, False])
def test_session_outlives_the_browser_only_where_it_was_chosen(
    as_alice: Client, alice: User, stays: bool
) -> None:
    User.objects.update(lock_after=None if stays else 15)

    as_alice.get("/today/")

    # Without an age the browser forgets it when it is closed.
    thirty_days = 30 * 24 * 3600
    kept_for = as_alice.cookies[COOKIE]["max-age"]
    assert (thirty_days - 60 < kept_for <= thirty_days) if stays else kept_for == ""


def test_session_does_not_name_its_key(as_alice: Client) -> None:
    row = Session.objects.get()

    assert row.session_key not in f"{row} {row!r}"
