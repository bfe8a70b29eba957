"""A locked session: what `safety` does when someone leaves, seen from the pages behind it."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.models import User
from tests.accounts.conftest import EVENING, sign_in, sign_up
from tests.conftest import PASSWORD, Client

CHANGE = "/accounts/password/change/"
DOOR = "/accounts/reauthenticate/"


@pytest.fixture
def clock() -> Any:
    with time_machine.travel(EVENING, tick=False) as clock:
        yield clock


@pytest.fixture
def left(clock: Any, as_carol: Client) -> Client:
    """Carol's browser, five minutes after she left in a hurry."""
    clock.shift(timedelta(minutes=1))
    assert as_carol.get("/leave/").status_code == 303
    clock.shift(timedelta(minutes=5))
    return as_carol


@pytest.mark.parametrize("address", [CHANGE, "/accounts/email/", "/today/?from=history"])
def test_locked_page_asks_for_the_password(left: Client, address: str) -> None:
    response = left.get(address)

    assert response.status_code == 302
    assert response["Location"].startswith(f"{DOOR}?next=")
    page = left.get(response["Location"])
    assertContains(page, "Your password, please")
    assertContains(page, "data-once")
    assertNotContains(page, "carol@example.org")


def test_password_opens_the_lock_and_leads_on(left: Client) -> None:
    response = left.post(DOOR, {"password": PASSWORD, "next": CHANGE})

    assertRedirects(response, CHANGE)


def test_wrong_password_opens_nothing(left: Client) -> None:
    assertContains(left.post(DOOR, {"password": "guessed"}), "That is not your password.")

    assertRedirects(left.get(CHANGE), f"{DOOR}?next={CHANGE.replace('/', '%2F')}")


def test_door_leads_to_no_other_site(left: Client) -> None:
    response = left.post(DOOR, {"password": PASSWORD, "next": "https://evil.example/"})

    assertRedirects(response, "/today/", fetch_redirect_response=False)


@pytest.mark.parametrize("address", ["/accounts/login/", "/accounts/signup/", "/safety/", "/nope/"])
def test_public_page_looks_signed_out_while_locked(left: Client, address: str) -> None:
    response = left.get(address)

    assert not response.context["user"].is_authenticated
    nav = response.content.decode().partition("<nav")[2].partition("</nav>")[0]
    assert "Sign in" in nav
    assert "/today/" not in nav


def test_leaving_and_help_stay_open_while_locked(left: Client) -> None:
    assert left.get("/leave/").status_code == 303
    assert left.get("/help/").status_code == 200


def test_locked_person_can_sign_out(left: Client) -> None:
    assertContains(left.get("/accounts/logout/"), "Sign out?")

    left.post("/accounts/logout/")

    assertRedirects(left.get(CHANGE), f"/accounts/login/?next={CHANGE}")


def test_signing_in_again_opens_the_lock(left: Client, carol: User) -> None:
    assert sign_in(left, carol.email).status_code == 302

    assert left.get(CHANGE).status_code == 200


def test_half_a_sign_in_of_someone_else_does_not_open_it(left: Client) -> None:
    """Whoever holds the device can begin an account of their own in the locked browser."""
    sign_up(Client(), "eve@example.org")
    with time_machine.travel(EVENING + timedelta(minutes=10)):
        assertRedirects(sign_in(left, "eve@example.org"), "/accounts/confirm-email/")

        assertRedirects(left.get(CHANGE), f"{DOOR}?next={CHANGE.replace('/', '%2F')}")


def test_lock_closes_again_after_it_was_opened(clock: Any, left: Client) -> None:
    left.post(DOOR, {"password": PASSWORD})
    clock.shift(timedelta(minutes=1))
    left.get("/leave/")

    assert left.get(CHANGE).status_code == 302


def test_other_places_stay_open(left: Client, carol: User) -> None:
    elsewhere = Client()
    sign_in(elsewhere, carol.email)

    assert elsewhere.get(CHANGE).status_code == 200


def test_what_is_sent_to_a_locked_page_comes_back_and_is_kept_nowhere(
    left: Client, carol: User
) -> None:
    words = "What I needed was <b>one</b> honest sentence.\n</textarea><script>alert(1)</script>"

    response = left.post(
        CHANGE,
        {"words": words, "oldpassword": PASSWORD, "version": "3", "next": "/x/", "empty": " "},
        headers={"Referer": "http://testserver/journal/write/plain/?from=here"},
    )

    assertContains(response, "These pages are closed", status_code=403)
    page = response.content.decode()
    assert page.count("<textarea") == 1
    assert "&lt;b&gt;one&lt;/b&gt; honest sentence.\n&lt;/textarea&gt;&lt;script&gt;" in page
    assert PASSWORD not in page
    assert f'href="{DOOR}?next=/journal/write/plain/"' in page
    assert response["Cache-Control"] == "no-store, private"
    assert "honest sentence" not in str(dict(left.session))
    carol.refresh_from_db()
    assert carol.check_password(PASSWORD)


@pytest.mark.parametrize("referrer", ["", "https://evil.example/x/", "//evil.example/"])
def test_locked_page_sends_nobody_to_another_site(left: Client, referrer: str) -> None:
    response = left.post(CHANGE, {"words": "kept"}, headers={"Referer": referrer})

    assertContains(response, f'href="{DOOR}?next=/today/"', status_code=403)


def test_a_visit_to_a_locked_page_is_nobodys_visit(left: Client, carol: User) -> None:
    User.objects.update(last_visit_at=None)

    left.get(CHANGE)
    left.get(DOOR)
    left.get("/safety/")

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

    assertRedirects(response, f"{DOOR}?next={CHANGE.replace('/', '%2F')}")
    # It must not replace the newer cookie, which may have arrived by now.
    assert "n" not in response.cookies


def test_words_sent_with_the_old_cookie_are_given_back(late: Client) -> None:
    response = late.post(CHANGE, {"words": "one honest sentence"})

    assertContains(response, "one honest sentence</textarea>", status_code=403)
    assertContains(response, f'href="{DOOR}?next=/today/"', status_code=403)


def test_password_opens_the_lock_with_the_old_cookie(late: Client) -> None:
    assertContains(late.post(DOOR, {"password": "guessed"}), "That is not your password.")
    assert late.get(CHANGE).status_code == 302

    assertRedirects(late.post(DOOR, {"password": PASSWORD, "next": CHANGE}), CHANGE)


def test_leaving_twice_with_one_cookie_locks_once(late: Client, as_carol: Client) -> None:
    third = _with_cookie_of(late)

    response = late.get("/leave/")

    assert response.status_code == 303
    assert "n" not in response.cookies
    for browser in (as_carol, late, third):
        assert browser.get(CHANGE)["Location"].startswith(DOOR)


def test_old_cookie_is_of_no_use_once_its_owner_has_unlocked(
    late: Client, as_carol: Client
) -> None:
    as_carol.post(DOOR, {"password": PASSWORD})
    assert as_carol.get(CHANGE).status_code == 200

    assertRedirects(late.get(CHANGE), f"/accounts/login/?next={CHANGE}")
    # Nor does it find the session that is locked next.
    as_carol.get("/leave/")
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
