"""A session that was locked by leaving, seen from the pages that it protects."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.allauth_internals import AUTHENTICATION_METHODS_SESSION_KEY
from accounts.models import User
from tests.support.accounts import EVENING, sign_in, sign_up
from tests.support.client import PASSWORD, Client
from tests.support.returned_forms import hold, on_a_page_of

CHANGE = "/accounts/password/change/"
REAUTHENTICATE = "/accounts/reauthenticate/"


@pytest.fixture
def clock() -> Any:
    with time_machine.travel(EVENING, tick=False) as clock:
        yield clock


@pytest.fixture
def locked_carol(clock: Any, as_carol: Client) -> Client:
    """Carol's browser, five minutes after she left in a hurry."""
    clock.shift(timedelta(minutes=1))
    assert as_carol.get("/leave/").status_code == 303
    clock.shift(timedelta(minutes=5))
    return as_carol


@pytest.mark.parametrize("address", [CHANGE, "/accounts/email/", "/today/?from=history"])
def test_locked_page_asks_for_the_password(locked_carol: Client, address: str) -> None:
    response = locked_carol.get(address)

    assert response.status_code == 302
    assert response["Location"].startswith(f"{REAUTHENTICATE}?next=")
    page = locked_carol.get(response["Location"])
    assertContains(page, "Your password, please")
    assertContains(page, "data-once")
    assertNotContains(page, "carol@example.org")


def test_password_opens_the_lock_and_leads_on(locked_carol: Client) -> None:
    response = locked_carol.post(REAUTHENTICATE, {"password": PASSWORD, "next": CHANGE})

    assertRedirects(response, CHANGE)


def test_wrong_password_opens_nothing(locked_carol: Client) -> None:
    assertContains(
        locked_carol.post(REAUTHENTICATE, {"password": "guessed"}), "That is not your password."
    )

    assertRedirects(locked_carol.get(CHANGE), f"{REAUTHENTICATE}?next={CHANGE.replace('/', '%2F')}")


def test_door_leads_to_no_other_site(locked_carol: Client) -> None:
    response = locked_carol.post(
        REAUTHENTICATE, {"password": PASSWORD, "next": "https://evil.example/"}
    )

    assertRedirects(response, "/today/", fetch_redirect_response=False)


@pytest.mark.parametrize("address", ["/accounts/login/", "/accounts/signup/", "/safety/", "/nope/"])
def test_public_page_looks_signed_out_while_locked(locked_carol: Client, address: str) -> None:
    response = locked_carol.get(address)

    assert not response.context["user"].is_authenticated
    nav = response.content.decode().partition("<nav")[2].partition("</nav>")[0]
    assert "Sign in" in nav
    assert "/today/" not in nav


def test_leaving_and_help_stay_open_while_locked(locked_carol: Client) -> None:
    assert locked_carol.get("/leave/").status_code == 303
    assert locked_carol.get("/help/").status_code == 200


def test_locked_person_can_sign_out(locked_carol: Client) -> None:
    assertContains(locked_carol.get("/accounts/logout/"), "Sign out?")

    locked_carol.post("/accounts/logout/")

    assertRedirects(locked_carol.get(CHANGE), f"/accounts/login/?next={CHANGE}")


def test_signing_in_again_opens_the_lock(locked_carol: Client, carol: User) -> None:
    assert sign_in(locked_carol, carol.email).status_code == 302

    assert locked_carol.get(CHANGE).status_code == 200


def test_pending_sign_in_of_somebody_else_does_not_unlock_it(locked_carol: Client) -> None:
    """An intruder at the device can start to sign in to an account of their own there."""
    sign_up(Client(), "eve@example.org")
    with time_machine.travel(EVENING + timedelta(minutes=10)):
        assertRedirects(sign_in(locked_carol, "eve@example.org"), "/accounts/confirm-email/")

        assertRedirects(
            locked_carol.get(CHANGE), f"{REAUTHENTICATE}?next={CHANGE.replace('/', '%2F')}"
        )


def test_lock_closes_again_after_it_was_opened(clock: Any, locked_carol: Client) -> None:
    locked_carol.post(REAUTHENTICATE, {"password": PASSWORD})
    clock.shift(timedelta(minutes=1))
    locked_carol.get("/leave/")

    assert locked_carol.get(CHANGE).status_code == 302


def test_other_places_stay_open(locked_carol: Client, carol: User) -> None:
    elsewhere = Client()
    sign_in(elsewhere, carol.email)

    assert elsewhere.get(CHANGE).status_code == 200


def test_what_is_sent_to_a_locked_page_comes_back_after_the_proof(
    locked_carol: Client, carol: User, clock: Any
) -> None:
    words = "What I needed was <b>one</b> honest sentence.\n</textarea><script>alert(1)</script>"
    form = {"words": words, "oldpassword": PASSWORD, "version": "3", "next": "/x/", "empty": " "}

    response = locked_carol.post(CHANGE, on_a_page_of(carol, **form))

    assertContains(response, "Your pages are locked", status_code=403)
    assert "honest sentence" not in response.text
    assert "<textarea" not in response.text
    assert response["Cache-Control"] == "no-store, private"
    hold(locked_carol, response.text, "Unlock, and show what I sent")
    clock.shift(timedelta(seconds=1))
    sent = {"password": PASSWORD, "next": "/accounts/returned/"}
    page = locked_carol.post(REAUTHENTICATE, sent, follow=True).text
    assert page.count("<textarea") == 1
    assert "&lt;b&gt;one&lt;/b&gt; honest sentence.\n&lt;/textarea&gt;&lt;script&gt;" in page
    assert PASSWORD not in page
    assert "honest sentence" not in str(dict(locked_carol.session))
    carol.refresh_from_db()
    assert carol.check_password(PASSWORD)


@pytest.mark.parametrize("referrer", ["", "https://evil.example/x/", "//evil.example/"])
def test_locked_page_sends_nobody_to_another_site(locked_carol: Client, referrer: str) -> None:
    response = locked_carol.post(CHANGE, {"words": "kept"}, headers={"Referer": referrer})

    assertContains(response, f'href="{REAUTHENTICATE}?next=/today/"', status_code=403)


def test_a_visit_to_a_locked_page_is_nobodys_visit(locked_carol: Client, carol: User) -> None:
    User.objects.update(last_visit_at=None)

    locked_carol.get(CHANGE)
    locked_carol.get(REAUTHENTICATE)
    locked_carol.get("/safety/")

    carol.refresh_from_db()
    assert carol.last_visit_at is None


# --- Requests sent before the answer that locked the session arrived -----------------------------


def _with_cookie_of(browser: Client) -> Client:
    other = Client()
    other.cookies["n"] = browser.cookies["n"].value
    return other


@pytest.fixture
def late(clock: Any, as_carol: Client) -> Client:
    """Carol's browser while the answer that locks her session is on its way: it still sends the
    old cookie."""
    assert as_carol.get("/today/").status_code == 200
    late = _with_cookie_of(as_carol)
    assert as_carol.get("/leave/").status_code == 303
    return late


@pytest.mark.parametrize("marker", ["", "1"])
def test_request_with_the_old_cookie_meets_the_lock(late: Client, marker: str) -> None:
    if marker:
        late.cookies["left"] = marker

    response = late.get(CHANGE)

    assertRedirects(response, f"{REAUTHENTICATE}?next={CHANGE.replace('/', '%2F')}")
    # It must not replace the newer cookie, which may have arrived by now.
    assert "n" not in response.cookies


def test_words_sent_with_the_old_cookie_are_given_back(late: Client, carol: User) -> None:
    response = late.post(CHANGE, on_a_page_of(carol, words="one honest sentence"))
    door = hold(late, response.text, "Unlock, and show what I sent")
    sent = {"password": PASSWORD, "next": "/accounts/returned/"}

    page = late.post(REAUTHENTICATE, sent, follow=True)

    assertNotContains(response, "honest", status_code=403)
    assertNotContains(door, "honest")
    assertContains(page, "one honest sentence</textarea>")


def test_password_opens_the_lock_with_the_old_cookie(late: Client) -> None:
    assertContains(late.post(REAUTHENTICATE, {"password": "guessed"}), "That is not your password.")
    assert late.get(CHANGE).status_code == 302

    assertRedirects(late.post(REAUTHENTICATE, {"password": PASSWORD, "next": CHANGE}), CHANGE)


def test_leaving_twice_with_one_cookie_locks_once(late: Client, as_carol: Client) -> None:
    third = _with_cookie_of(late)

    response = late.get("/leave/")

    assert response.status_code == 303
    assert "n" not in response.cookies
    for browser in (as_carol, late, third):
        assert browser.get(CHANGE)["Location"].startswith(REAUTHENTICATE)


def test_old_cookie_is_of_no_use_once_its_owner_has_unlocked(
    late: Client, as_carol: Client
) -> None:
    as_carol.post(REAUTHENTICATE, {"password": PASSWORD})
    assert as_carol.get(CHANGE).status_code == 200

    assertRedirects(late.get(CHANGE), f"/accounts/login/?next={CHANGE}")
    # Nor does it find the session that is locked next.
    as_carol.get("/leave/")
    assertRedirects(late.get(CHANGE), f"/accounts/login/?next={CHANGE}")


def test_old_cookie_leads_to_the_lock_for_a_minute_only(late: Client) -> None:
    """Somebody who copied it before the lock is asked for the second factor too, at sign-in."""
    with time_machine.travel(EVENING + timedelta(seconds=30), tick=False):
        assert late.get(CHANGE)["Location"].startswith(REAUTHENTICATE)
    with time_machine.travel(EVENING + timedelta(seconds=61), tick=False):
        assertRedirects(late.get(CHANGE), f"/accounts/login/?next={CHANGE}")


def test_old_cookie_does_not_find_an_unlocked_session(late: Client, as_carol: Client) -> None:
    """Unlocking moves a session to another key. A proof stored without that move, as by a bug,
    still opens nothing to the old cookie."""
    session = as_carol.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [
        {"method": "password", "at": EVENING.timestamp() + 120, "email": "carol@example.org"}
    ]
    session.save()
    assert as_carol.get(CHANGE).status_code == 200

    assertRedirects(late.get(CHANGE), f"/accounts/login/?next={CHANGE}")
