"""What an address answers that is opened though it only takes a form, or by another method."""

from collections.abc import Callable

import pytest
from pytest_django.asserts import assertRedirects

from accounts.models import User
from tests.adversarial.conftest import everything
from tests.support.addresses import RULES
from tests.support.client import Client

At = Callable[[str], str]

# Without leaving, which would lock the session that opens the others.
ALL = [f"/{rule.example or pattern}" for pattern, rule in RULES.items() if pattern != "leave/"]
# Opened by scripts of ours and by no person, so they belong to no page.
FOR_SCRIPTS = {
    "/journal/b7a1c4f4-9c55-4f0e-8a54-3f2f0c1f7a10/autosave/",
    "/accounts/2fa/passkeys/login/options/",
}
SEARCH = "/journal/search/"

BELONGS_TO = {
    "/steps/1/mark/": "/steps/1/",
    "/journal/names/": "/journal/",
    "/you/reminders/off/": "/you/reminders/",
    "/you/reminders/pause/": "/you/reminders/",
    "/accounts/devices/end/": "/accounts/devices/",
    "/accounts/devices/end-others/": "/accounts/devices/",
}


@pytest.mark.parametrize("address", BELONGS_TO)
@pytest.mark.parametrize("method", ["get", "head"])
def test_opening_the_address_of_a_form_leads_to_its_page(
    browser: Client, address: str, method: str
) -> None:
    response = getattr(browser, method)(address)

    assertRedirects(response, BELONGS_TO[address], fetch_redirect_response=False)


@pytest.mark.parametrize("address", BELONGS_TO)
def test_a_page_of_a_form_is_found_after_signing_in(client: Client, address: str) -> None:
    response = client.get(address)

    assert response.headers["Location"] == f"/accounts/login/?next={address}"


@pytest.mark.parametrize("address", BELONGS_TO)
def test_the_address_of_a_form_names_the_methods_it_answers(browser: Client, address: str) -> None:
    response = browser.options(address)

    assert response.status_code == 405
    assert response.headers["Allow"] == "GET, HEAD, POST"


def test_only_addresses_for_scripts_refuse_to_be_opened(
    browser: Client, lived_in: User, at: At
) -> None:
    before = everything()

    refused = {example for example in ALL if browser.get(at(example)).status_code == 405}

    assert refused - {SEARCH} == FOR_SCRIPTS
    assert everything() == before


def test_an_address_opened_by_any_method_answers_with_a_page(
    browser: Client, lived_in: User, at: At
) -> None:
    """A browser shows an empty answer as an error of its own."""
    unkind = []
    for example in ALL:
        for method in ("GET", "PUT", "DELETE", "OPTIONS"):
            response = browser.generic(method, at(example))
            if response.status_code == 405 and "Your letters are safe." not in response.text:
                unkind.append((method, example))
            assert response.status_code != 405 or response.headers["Allow"], (method, example)

    assert unkind == []


@pytest.mark.parametrize("address", ["/help/", "/help/nl/", "/leave/", "/healthz"])
@pytest.mark.usefixtures("database_down")
def test_a_method_that_is_not_allowed_needs_no_database(address: str) -> None:
    response = Client(raise_request_exception=False).put(address)

    assert response.status_code == 405
    assert "Your letters are safe." in response.text
    assert response.headers["Cache-Control"] == "no-store, private"


def test_head_is_answered_like_get_without_a_body(browser: Client, lived_in: User, at: At) -> None:
    for example in ALL:
        got, head = browser.get(at(example)), browser.head(at(example))
        assert (head.status_code, head.content) == (got.status_code, b""), example
        assert head.headers.get("Location") == got.headers.get("Location"), example
