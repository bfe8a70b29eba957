"""Pages lock after idle minutes."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from pytest_django import Settings
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.models import User
from journal.models import Letter
from tests.support.accounts import EVENING
from tests.support.client import PASSWORD, Client
from tests.support.database import Statements
from tests.support.returned_forms import form_with, hold, on_a_page_of
from vault.models import Key
from vault.sessions import Session, key_in

REAUTHENTICATE = "/accounts/reauthenticate/?next=%2Fyou%2F"
PRESENCE = "s"


@pytest.fixture
def clock() -> Any:
    with time_machine.travel(EVENING, tick=False) as clock:
        yield clock


@pytest.fixture
def active_alice(clock: Any, as_alice: Client) -> Client:
    """Alice's browser, which was active just now."""
    assert as_alice.get("/you/").status_code == 200
    return as_alice


def key_of(client: Client) -> str | None:
    return key_in(client.cookies["n"].value)


def is_unlocked(client: Client) -> bool:
    return bool(client.get("/you/").status_code == 200)


@pytest.mark.parametrize("minutes", [5, 15, 60])
def test_pages_lock_after_as_many_quiet_minutes_as_were_chosen(
    active_alice: Client, clock: Any, minutes: int
) -> None:
    User.objects.update(lock_after=minutes)
    clock.shift(timedelta(minutes=minutes, seconds=-31))
    assert is_unlocked(active_alice)
    clock.shift(timedelta(minutes=minutes))

    assertRedirects(active_alice.get("/you/"), REAUTHENTICATE, fetch_redirect_response=False)


def test_use_keeps_pages_open(active_alice: Client, clock: Any) -> None:
    for _quarter in range(20):
        clock.shift(timedelta(minutes=14))
        assert is_unlocked(active_alice)


def test_repeated_autosave_does_not_count_as_activity(active_alice: Client, clock: Any) -> None:
    """A failed autosave is repeated every half minute, whether or not anybody is there."""
    Key.objects.update(kek="away")
    paper = {"id": str(uuid4()), "kind": "them", "body": "words"}
    for _minute in range(15):
        clock.shift(timedelta(minutes=1))
        assert active_alice.post(f"/journal/{paper['id']}/autosave/", paper).status_code in {
            503,
            403,
        }

    assertRedirects(active_alice.get("/you/"), REAUTHENTICATE, fetch_redirect_response=False)


def test_pages_stay_unlocked_if_that_was_chosen(active_alice: Client, clock: Any) -> None:
    User.objects.update(lock_after=None)
    active_alice.get("/you/")
    clock.shift(timedelta(days=29))
    assert is_unlocked(active_alice)
    clock.shift(timedelta(days=2))

    assertRedirects(active_alice.get("/you/"), "/accounts/login/?next=/you/")


def test_sign_in_ends_after_twelve_hours_however_much_it_is_used(
    active_alice: Client, clock: Any
) -> None:
    for _quarter in range(4 * 12 - 1):
        clock.shift(timedelta(minutes=15, seconds=-30))
        assert is_unlocked(active_alice)
    clock.shift(timedelta(minutes=40))

    assertRedirects(active_alice.get("/you/"), "/accounts/login/?next=/you/")


def test_choosing_a_time_again_after_days_puts_nobody_out_at_once(
    active_alice: Client, clock: Any
) -> None:
    User.objects.update(lock_after=None)
    active_alice.get("/you/")
    clock.shift(timedelta(days=5))
    active_alice.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assertRedirects(active_alice.post("/accounts/lock/", {"after": "60"}), "/accounts/")

    for _hour in range(12):
        assert is_unlocked(active_alice)
        clock.shift(timedelta(minutes=59))
    clock.shift(timedelta(minutes=15))
    assertRedirects(active_alice.get("/you/"), "/accounts/login/?next=/you/")


def test_cookie_copied_while_locked_stays_locked_after_the_owner_unlocks(
    active_alice: Client, clock: Any
) -> None:
    active_alice.get("/leave/")
    copied = active_alice.cookies["n"].value
    clock.shift(timedelta(seconds=1))

    active_alice.post("/accounts/reauthenticate/", {"password": PASSWORD})

    assert is_unlocked(active_alice)
    thief = Client()
    thief.cookies["n"] = copied
    assert not is_unlocked(thief)


def test_lock_holds_when_the_clock_is_set_back(active_alice: Client, clock: Any) -> None:
    active_alice.post("/accounts/reauthenticate/", {"password": PASSWORD})
    clock.shift(timedelta(seconds=-30))

    active_alice.get("/leave/")

    assert not is_unlocked(active_alice)


def test_late_request_does_not_remove_the_new_cookie(active_alice: Client, clock: Any) -> None:
    """Two tabs of a phone that wakes up: one locks the session, the other sends the old cookie."""
    late = Client()
    late.cookies["n"] = active_alice.cookies["n"].value
    active_alice.get("/leave/")

    answer = late.get("/you/")

    assert answer.status_code == 302
    assert "n" not in answer.cookies


def test_password_opens_the_pages_again_and_they_stay_open(
    active_alice: Client, clock: Any
) -> None:
    clock.shift(timedelta(minutes=16))
    assert not is_unlocked(active_alice)
    clock.shift(timedelta(seconds=1))

    opened = active_alice.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": "/you/"})

    assertRedirects(opened, "/you/")
    clock.shift(timedelta(minutes=14))
    assert is_unlocked(active_alice)


def test_lock_changes_the_key_of_the_session(active_alice: Client, clock: Any) -> None:
    before = key_of(active_alice)
    clock.shift(timedelta(minutes=16))

    active_alice.get("/you/")

    assert key_of(active_alice) != before
    assert not Session.objects.filter(session_key=before).exists()


@pytest.mark.parametrize("forged", [None, "", "9999999999", "9999999999:x", "\0"])
def test_cookie_that_is_not_ours_keeps_nothing_open(
    active_alice: Client, clock: Any, forged: str | None
) -> None:
    clock.shift(timedelta(minutes=16))
    if forged is None:
        active_alice.cookies.pop(PRESENCE, None)
    else:
        active_alice.cookies[PRESENCE] = forged

    assert not is_unlocked(active_alice)


def test_activity_cookie_of_one_session_does_not_unlock_another(
    active_alice: Client, bob: User, clock: Any
) -> None:
    """An intruder at the device may sign in with an account of their own, and swap cookies."""
    clock.shift(timedelta(minutes=16))
    theirs = Client()
    theirs.force_login(bob)
    theirs.get("/you/")
    clock.shift(timedelta(minutes=1))
    theirs.get("/you/")
    active_alice.cookies[PRESENCE] = theirs.cookies[PRESENCE].value

    assert not is_unlocked(active_alice)


def test_letter_sent_after_a_quiet_while_comes_back_and_is_kept_once_opened(
    active_alice: Client, alice: User, clock: Any
) -> None:
    letter = {"id": "6f1c2a52-6d5c-4a1a-9a59-0f9f4a0f6f10", "to": "", "body": "A long one."}
    clock.shift(timedelta(minutes=16))

    closed = active_alice.post("/journal/write/them/", on_a_page_of(alice, **letter))

    assertNotContains(closed, "A long one.", status_code=403)
    assert not Letter.objects.exists()
    clock.shift(timedelta(seconds=1))
    hold(active_alice, closed.text, "Unlock, and show what I sent")
    proof = {"password": PASSWORD, "next": "/accounts/returned/"}
    page = active_alice.post("/accounts/reauthenticate/", proof, follow=True)
    assertContains(page, 'action="/journal/write/them/"')
    again = form_with("Send it again", page.text)
    assert again["body"] == "A long one."
    assert active_alice.post("/journal/write/them/", again).status_code == 302
    assert Letter.objects.count() == 1


def test_presence_is_kept_by_the_browser_and_written_nowhere(
    active_alice: Client, clock: Any, statements: Statements
) -> None:
    before = Session.objects.get().session_data
    clock.shift(timedelta(minutes=10))
    with statements() as found:
        response = active_alice.get("/you/")

    cookie = response.cookies[PRESENCE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert cookie["max-age"] == ""
    assert not [sql for sql in found if sql.startswith(("UPDATE", "INSERT"))]
    assert Session.objects.get().session_data == before


def test_activity_cookie_is_not_set_with_every_page(active_alice: Client, clock: Any) -> None:
    clock.shift(timedelta(seconds=29))

    assert PRESENCE not in active_alice.get("/you/").cookies


def test_presence_cookie_is_bound_to_https(
    active_alice: Client, clock: Any, settings: Settings
) -> None:
    settings.HTTPS = True
    clock.shift(timedelta(minutes=1))

    cookie = active_alice.get("/you/").cookies["__Host-s"]

    assert (cookie["secure"], cookie["domain"], cookie["path"]) == (True, "", "/")


def test_time_is_chosen_behind_the_password(active_alice: Client, alice: User) -> None:
    response = active_alice.post("/accounts/lock/", {"after": "out"})

    assertRedirects(response, "/accounts/reauthenticate/?next=%2Faccounts%2Flock%2F")
    alice.refresh_from_db()
    assert alice.lock_after == 15


@pytest.mark.parametrize(
    ("sent", "minutes", "text"),
    [
        ("5", 5, "After 5 quiet minutes."),
        ("60", 60, "After 60 quiet minutes."),
        ("out", None, "Not by themselves: you sign out, or 30 days pass."),
    ],
)
def test_time_is_kept(
    active_alice: Client, alice: User, clock: Any, sent: str, minutes: int | None, text: str
) -> None:
    clock.shift(timedelta(seconds=1))
    active_alice.post("/accounts/reauthenticate/", {"password": PASSWORD})

    assertRedirects(active_alice.post("/accounts/lock/", {"after": sent}), "/accounts/")

    alice.refresh_from_db()
    assert alice.lock_after == minutes
    chosen = re.findall(r'value="(\w+)"[^>]* checked', active_alice.get("/accounts/lock/").text)
    assert chosen == [sent]
    assertContains(active_alice.get("/accounts/"), text)


@pytest.mark.parametrize("sent", ["", "7", "0", "-5", "soon", "99999999999999999999"])
def test_time_that_is_not_offered_is_refused(
    active_alice: Client, alice: User, clock: Any, sent: str
) -> None:
    clock.shift(timedelta(seconds=1))
    active_alice.post("/accounts/reauthenticate/", {"password": PASSWORD})

    page = active_alice.post("/accounts/lock/", {"after": sent})

    assertContains(page, "Choose a time")
    alice.refresh_from_db()
    assert alice.lock_after == 15
