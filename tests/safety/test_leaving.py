from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from pytest_django import Settings

from accounts.models import User
from tests.support.client import Client
from vault.sessions import Session, SessionStore, cookie_for, key_in

NIGHT = datetime(2026, 3, 12, 23, 5, tzinfo=UTC)
COOKIE = settings.SESSION_COOKIE_NAME

PREFETCHES = [
    {"sec-purpose": "prefetch"},
    {"sec-purpose": "prefetch;prerender"},
    {"purpose": "prefetch"},
    {"x-purpose": "preview"},
    {"x-moz": "prefetch"},
]


def _session(client: Client) -> SessionStore:
    return SessionStore(key_in(client.cookies[COOKIE].value))


def _begin_visitor_session(client: Client) -> str:
    """Give the client a session without an account and with something in it."""
    session = SessionStore()
    session["begun"] = "something they typed"
    session.save()
    assert session.session_key
    client.cookies[COOKIE] = cookie_for(session.session_key)
    return session.session_key


def test_leaving_locks_changes_the_session_key_and_redirects(as_alice: Client, alice: User) -> None:
    before = _session(as_alice)

    with time_machine.travel(NIGHT, tick=False):
        response = as_alice.get("/leave/")
        after = _session(as_alice).load()

    assert response.status_code == 303
    assert response.headers["Location"] == settings.LEAVE_URL
    assert response.headers["Cache-Control"] == "no-store, private"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.content == b""
    assert as_alice.cookies[COOKIE].value != before.session_key
    assert not before.exists(before.session_key)
    assert (after[SESSION_KEY], after["locked_at"]) == (str(alice.pk), NIGHT.timestamp())


def test_leaving_again_locks_again(as_alice: Client) -> None:
    with time_machine.travel(NIGHT - timedelta(hours=1), tick=False):
        as_alice.get("/leave/")
    first = as_alice.cookies[COOKIE].value

    with time_machine.travel(NIGHT, tick=False):
        as_alice.get("/leave/")
        after = _session(as_alice).load()

    assert as_alice.cookies[COOKIE].value != first
    assert after["locked_at"] == NIGHT.timestamp()


def test_leaving_without_a_session_sets_no_cookie(visitor: Client) -> None:
    response = visitor.get("/leave/")

    assert (response.status_code, response.headers["Location"]) == (303, settings.LEAVE_URL)
    assert not response.cookies


TOKEN = settings.CSRF_COOKIE_NAME


@pytest.mark.parametrize("marker", ["", "1"])
@pytest.mark.django_db
def test_forms_from_before_leaving_are_refused_after_it(marker: str) -> None:
    """A visitor has no session whose lock could stop Back from sending them again."""
    strict = Client(enforce_csrf_checks=True)
    page = strict.get("/accounts/login/")
    form = {"login": "eve@example.org", "csrfmiddlewaretoken": page.context["csrf_token"]}
    assert strict.post("/accounts/login/", form).status_code == 200
    if marker:
        strict.cookies["left"] = marker

    left = strict.get("/leave/")

    assert left.cookies[TOKEN].value == ""
    again = strict.post("/accounts/login/", form)
    assert again.status_code == 403
    assert "eve@example.org" not in again.text
    strict.cookies.pop("left", None)
    new = strict.get("/accounts/login/").context["csrf_token"]
    assert strict.post("/accounts/login/", {"csrfmiddlewaretoken": new}).status_code == 200


@pytest.mark.django_db
def test_marker_refuses_forms_from_before_it() -> None:
    strict = Client(enforce_csrf_checks=True)
    page = strict.get("/accounts/login/")
    form = {"login": "eve@example.org", "csrfmiddlewaretoken": page.context["csrf_token"]}
    strict.cookies["left"] = "1"

    again = strict.post("/accounts/login/", form)

    assert again.status_code == 403
    assert "eve@example.org" not in again.text
    # Its page has a new one.
    assert again.cookies["left"].value == ""


@pytest.mark.django_db
def test_page_after_the_marker_has_a_form_that_works() -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.get("/accounts/login/")
    strict.cookies["left"] = "1"

    page = strict.get("/accounts/login/")
    assert page.cookies.pop("left").value == ""
    del strict.cookies["left"]

    form = {"login": "", "csrfmiddlewaretoken": page.context["csrf_token"]}
    assert strict.post("/accounts/login/", form).status_code == 200


def test_prefetch_and_head_refuse_no_form(as_alice: Client) -> None:
    as_alice.get("/you/")
    assert TOKEN in as_alice.cookies

    for response in (
        *(as_alice.get("/leave/", headers=each) for each in PREFETCHES),
        as_alice.head("/leave/"),
    ):
        assert TOKEN not in response.cookies


@pytest.mark.usefixtures("database_down")
def test_leaving_without_a_database_refuses_forms_from_before_it(visitor: Client) -> None:
    visitor.cookies[COOKIE] = cookie_for("of-somebody-signed-in")
    visitor.cookies[TOKEN] = "a" * 32

    response = visitor.get("/leave/")

    assert response.cookies[TOKEN].value == ""


@pytest.mark.django_db
def test_leaving_without_an_account_flushes_the_session(client: Client) -> None:
    _begin_visitor_session(client)

    response = client.get("/leave/")

    assert response.status_code == 303
    assert response.cookies[COOKIE].value == ""
    assert not Session.objects.exists()


@pytest.mark.parametrize("headers", PREFETCHES)
def test_prefetch_does_nothing(as_alice: Client, headers: dict[str, str]) -> None:
    as_alice.get("/today/")
    before = dict(_session(as_alice).items())

    response = as_alice.get("/leave/", headers=headers)

    assert response.status_code == 204
    assert response.headers["Cache-Control"] == "no-store, private"
    assert not response.cookies
    assert dict(_session(as_alice).items()) == before


def test_head_changes_nothing(as_alice: Client) -> None:
    as_alice.get("/today/")
    before = dict(_session(as_alice).items())

    response = as_alice.head("/leave/")

    assert response.status_code == 303
    assert not response.cookies
    assert dict(_session(as_alice).items()) == before


def test_leaving_by_post_is_not_allowed(as_alice: Client) -> None:
    response = as_alice.post("/leave/")

    assert response.status_code == 405
    assert "locked_at" not in _session(as_alice)


@pytest.mark.usefixtures("database_down")
def test_leaving_works_when_the_database_is_down(visitor: Client) -> None:
    visitor.cookies[COOKIE] = cookie_for("of-somebody-signed-in")

    response = visitor.get("/leave/")

    assert (response.status_code, response.headers["Location"]) == (303, settings.LEAVE_URL)
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cache-Control"] == "no-store, private"
    assert list(response.cookies) == ["left"]
    assert response.cookies["left"].value == "1"


def test_marker_locks_before_anything_is_shown(as_alice: Client) -> None:
    before = _session(as_alice)
    as_alice.cookies["left"] = "1"

    response = as_alice.get("/you/reminders/")

    assert response.status_code == 302
    assert response.headers["Location"].startswith("/accounts/reauthenticate/")
    assert response.cookies["left"].value == ""
    assert _session(as_alice).session_key != before.session_key
    assert "locked_at" in _session(as_alice)


def test_marker_and_leaving_together_lock_once(as_alice: Client) -> None:
    as_alice.cookies["left"] = "1"

    response = as_alice.get("/leave/")

    assert response.status_code == 303
    assert response.cookies["left"].value == ""
    assert "locked_at" in _session(as_alice)


@pytest.mark.urls("tests.safety.urls_that_break")
def test_marker_locks_even_if_the_page_fails(as_alice: Client) -> None:
    before = _session(as_alice)
    as_alice.raise_request_exception = False
    as_alice.cookies["left"] = "1"

    response = as_alice.get("/broken/")

    assert response.status_code == 500
    assert not before.exists(before.session_key)


def test_marker_of_a_visitor_is_deleted(visitor: Client) -> None:
    visitor.cookies["left"] = "1"

    response = visitor.get("/safety/")

    assert response.status_code == 200
    assert list(response.cookies) == ["left"]
    assert response.cookies["left"]["max-age"] == 0


def test_marker_over_https_is_bound_to_the_host(visitor: Client, settings: Settings) -> None:
    settings.HTTPS = True
    visitor.cookies["__Host-left"] = "1"

    response = visitor.get("/safety/", secure=True)

    assert list(response.cookies) == ["__Host-left"]
    assert response.cookies["__Host-left"]["secure"]
    assert response.cookies["__Host-left"]["path"] == "/"
