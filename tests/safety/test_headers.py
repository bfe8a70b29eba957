"""Headers of every kind of response: caching, search engines, and what a page may load."""

import re
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.files.storage import storages
from django.http import HttpResponse
from pytest_django import Settings

from tests.support.client import Client
from tests.support.header_values import EVERYWHERE, LOOSER, POLICY, as_operator, policy_of
from vault.sessions import cookie_for

PRIVATE, PUBLIC = "no-store, private", "no-cache"

# Path, status, Cache-Control, X-Robots-Tag for a visitor
VISITOR = [
    ("/", 200, PUBLIC, None),
    ("/learn/", 200, PUBLIC, None),
    ("/steps/", 200, PUBLIC, None),
    ("/steps/1/", 200, PUBLIC, "noindex"),
    ("/about/", 200, PUBLIC, None),
    ("/privacy/", 200, PUBLIC, None),
    ("/terms/", 200, PUBLIC, None),
    ("/accessibility/", 200, PUBLIC, None),
    ("/safety/", 200, PUBLIC, None),
    ("/help/", 200, PUBLIC, None),
    ("/help/nl/", 200, PUBLIC, None),
    ("/boat/", 200, PRIVATE, None),
    ("/help/xx/", 404, PRIVATE, "noindex"),
    ("/help", 301, PUBLIC, "noindex"),
    ("/healthz", 200, PUBLIC, "noindex"),
    ("/accounts/login/", 200, PRIVATE, "noindex"),
    ("/accounts/signup/", 200, PRIVATE, "noindex"),
    ("/admin/login/", 302, PRIVATE, "noindex"),
    ("/today/", 302, PRIVATE, "noindex"),
    ("/today", 301, PUBLIC, "noindex"),
    ("/journal/", 302, PRIVATE, "noindex"),
    ("/journal/6f1c2a52-6d5c-4a1a-9a59-0f9f4a0f6f10/", 302, PRIVATE, "noindex"),
    ("/nowhere/", 404, PRIVATE, "noindex"),
    ("/static/nowhere.css", 404, PRIVATE, "noindex"),
    ("/broken/", 500, PRIVATE, "noindex"),
]
SIGNED_IN = [
    ("/", 200),
    ("/today/", 200),
    ("/help/", 200),
    ("/safety/", 200),
    ("/steps/1/", 200),
    ("/you/reminders/", 200),
    ("/nowhere/", 404),
    ("/broken/", 500),
]

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.safety.urls_that_break")]


def _policy(response: HttpResponse) -> set[str]:
    # django-csp joins the directives in arbitrary order.
    return set(response.headers["Content-Security-Policy"].split("; "))


def _common_headers(response: HttpResponse) -> dict[str, str | None]:
    return {name: response.headers.get(name) for name in EVERYWHERE}


@pytest.mark.parametrize(("address", "status", "cache_control", "robots"), VISITOR)
def test_response_to_a_visitor(
    visitor: Client, address: str, status: int, cache_control: str, robots: str | None
) -> None:
    response = visitor.get(address)

    assert response.status_code == status
    assert response.headers["Cache-Control"] == cache_control
    assert response.headers.get("X-Robots-Tag") == robots
    assert _common_headers(response) == EVERYWHERE
    assert _policy(response) == policy_of(address, status)
    assert settings.SESSION_COOKIE_NAME not in response.cookies


@pytest.mark.parametrize(("address", "status"), SIGNED_IN)
def test_response_to_a_signed_in_person_is_never_stored(
    as_alice: Client, address: str, status: int
) -> None:
    as_alice.raise_request_exception = False

    response = as_alice.get(address)

    assert response.status_code == status
    assert response.headers["Cache-Control"] == PRIVATE
    assert _common_headers(response) == EVERYWHERE
    assert _policy(response) == POLICY


@pytest.mark.parametrize("path", ["/accounts/login/", "/journal/write/them/"])
def test_response_to_a_form_without_its_csrf_token(path: str) -> None:
    response = Client(enforce_csrf_checks=True).post(path)

    assert response.status_code == 403
    assert "Your browser sent no cookie" in response.text
    assert response.headers["Cache-Control"] == PRIVATE
    assert _common_headers(response) == EVERYWHERE
    assert _policy(response) == POLICY


def test_response_that_may_repeat_posted_text_is_never_stored(client: Client) -> None:
    page = client.post("/steps/1/both-true/", {"id": uuid4(), "one": "Her words."})

    assert page.status_code == 200
    assert page.headers["Cache-Control"] == PRIVATE


def test_response_to_a_method_that_is_not_allowed(visitor: Client) -> None:
    response = visitor.post("/help/")

    assert response.status_code == 405
    assert response.headers["Cache-Control"] == PRIVATE
    assert _common_headers(response) == EVERYWHERE


@pytest.mark.parametrize("name", ["css/tokens.css", "js/leave.js", "img/icon.svg"])
def test_static_files_are_immutable_and_have_all_headers(visitor: Client, name: str) -> None:
    response = visitor.get(storages["staticfiles"].url(name))
    response.close()

    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "max-age=315360000, public, immutable"
    assert _common_headers(response) == EVERYWHERE
    assert _policy(response) == POLICY


def test_error_page_is_ours_and_shows_no_exception_text(visitor: Client) -> None:
    html = visitor.get("/broken/").content.decode()

    assert "Something broke on our side" in html
    assert f"– {settings.DISCREET_NAME}</title>" in html
    assert "what somebody wrote" not in html


@pytest.mark.usefixtures("database_down")
@pytest.mark.parametrize("address", ["/today/", "/readyz"])
def test_error_response_needs_no_database(visitor: Client, address: str) -> None:
    if address == "/today/":
        visitor.cookies[settings.SESSION_COOKIE_NAME] = cookie_for("of-somebody-signed-in")

    response = visitor.get(address)

    assert response.status_code == 503
    assert response.headers["Cache-Control"] == PRIVATE
    assert _common_headers(response) == EVERYWHERE
    assert _policy(response) == POLICY
    assert ("Something broke on our side" in response.content.decode()) == (address == "/today/")


def test_request_id_is_never_taken_from_the_request(visitor: Client) -> None:
    ids = {visitor.get("/", headers={"X-Request-ID": "mine"})["X-Request-ID"] for _ in range(3)}

    assert len(ids) == 3
    assert all(re.fullmatch("[0-9a-f]{16}", id) for id in ids)


def test_error_page_shows_the_request_id(visitor: Client) -> None:
    response = visitor.get("/broken/")

    assert f"<code>{response.headers['X-Request-ID']}</code>" in response.text


def test_https_is_enforced(visitor: Client, settings: Settings) -> None:
    settings.SECURE_HSTS_SECONDS = 31536000
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    settings.SECURE_SSL_REDIRECT = True
    fresh = Client()

    secure = fresh.get("/help/", secure=True)
    plain = fresh.get("/help/")

    assert secure.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert (plain.status_code, plain.headers["Location"]) == (301, "https://testserver/help/")
    assert plain.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert plain.headers["X-Robots-Tag"] == "noindex"


def test_admin_page_has_the_looser_policy() -> None:
    response = as_operator().get("/admin/")

    assert response.status_code == 200
    assert _policy(response) == LOOSER
    assert response.headers["Cache-Control"] == PRIVATE
