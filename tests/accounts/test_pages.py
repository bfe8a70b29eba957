"""Every reachable account page has our texts, is light, and works without script."""

import re

import pytest
from django.template.loader import render_to_string
from django.urls import URLPattern, get_resolver
from pytest_django.asserts import assertContains, assertRedirects

from accounts.models import User
from tests.support.accounts import Mails, check_page, code_in, sign_up
from tests.support.client import Client
from tests.support.database import Statements

ENTRANCE = ["/accounts/login/", "/accounts/signup/", "/accounts/password/reset/"]
INSIDE = ["/accounts/password/change/", "/accounts/reauthenticate/", "/accounts/logout/"]
INSIDE += ["/accounts/", "/accounts/activity/"]
# These need a recent proof.
SURE = ["/accounts/email/", "/accounts/lock/", "/accounts/devices/"]
OTHERS = ["/accounts/inactive/", "/accounts/password/reset/done/"]


@pytest.mark.parametrize("address", [*ENTRANCE, *OTHERS])
def test_page_at_the_entrance_is_ours(client: Client, db: None, address: str) -> None:
    check_page(client.get(address).content.decode())


@pytest.mark.parametrize("address", INSIDE)
def test_page_inside_is_ours(as_carol: Client, address: str) -> None:
    check_page(as_carol.get(address).content.decode())


def test_code_page_is_ours_and_helps_to_fill_in_the_code(client: Client, db: None) -> None:
    sign_up(client)

    response = client.get("/accounts/confirm-email/")

    check_page(response.content.decode())
    assertContains(response, 'autocomplete="one-time-code"')
    assertContains(response, 'inputmode="numeric"')


def test_reset_pages_are_ours(client: Client, carol: User, mails: Mails) -> None:
    client.post("/accounts/password/reset/", {"email": carol.email})
    check_page(client.get("/accounts/password/reset/confirm/").content.decode())
    client.post("/accounts/password/reset/confirm/", {"code": code_in(mails()[0])})
    page = client.get("/accounts/password/reset/complete/").content.decode()

    check_page(page)
    assert 'autocomplete="new-password"' in page


def test_page_for_closed_doors_is_ours(db: None) -> None:
    check_page(render_to_string("account/signup_closed.html", {"discreet_name": "Notes"}))


def test_every_address_of_allauth_is_known_here(client: Client, db: None) -> None:
    """A URL that a new version of allauth adds is reviewed before it is released."""
    known = {*ENTRANCE, *OTHERS, *INSIDE, "/accounts/confirm-email/", "/accounts/password/set/"}
    known |= {*SURE, "/accounts/devices/end/", "/accounts/devices/end-others/", "/accounts/first/"}
    known |= {"/accounts/login/code/confirm/"}
    known |= {"/accounts/returned/", "/accounts/returned/hold/"}
    known |= {"/accounts/password/reset/confirm/", "/accounts/password/reset/complete/"}

    found = {
        f"/accounts/{pattern.pattern}"
        for part in get_resolver().url_patterns
        if str(part.pattern) == "accounts/"
        for pattern in part.url_patterns
        if isinstance(pattern, URLPattern)
    }

    assert found == known


@pytest.mark.parametrize(
    "address",
    [
        "/accounts/confirm-email/",
        "/accounts/login/code/confirm/",
        "/accounts/password/reset/confirm/",
        "/accounts/password/reset/complete/",
    ],
)
def test_page_that_needs_a_beginning_leads_back_to_it(
    client: Client, db: None, address: str
) -> None:
    response = client.get(address, follow=True)

    assert response.redirect_chain[-1][0] in {"/accounts/login/", "/accounts/password/reset/"}


@pytest.mark.parametrize("address", INSIDE[:2] + INSIDE[3:])
def test_page_inside_asks_who_it_is(client: Client, db: None, address: str) -> None:
    assertRedirects(client.get(address), f"/accounts/login/?next={address}")


@pytest.mark.parametrize("address", ENTRANCE)
def test_page_at_the_entrance_needs_no_database(
    client: Client, statements: Statements, address: str
) -> None:
    with statements() as found:
        client.get(address)

    assert found == []


@pytest.mark.parametrize("address", INSIDE)
def test_page_inside_needs_few_statements(
    as_carol: Client, statements: Statements, address: str
) -> None:
    as_carol.get(address)

    with statements() as found:
        as_carol.get(address)

    assert len(found) <= 3, found


def test_password_can_be_pasted_whole(client: Client, db: None) -> None:
    page = client.get("/accounts/signup/").content.decode()

    [field] = re.findall(r'<input type="password"[^>]+>', page)
    assert 'autocomplete="new-password"' in field
    assert "maxlength" not in field


def test_an_error_is_named_at_the_top_and_at_its_field(client: Client, db: None) -> None:
    page = client.post("/accounts/login/", {"login": "carol"}).content.decode()

    assert '<a href="#id_login">' in page
    assert '<a href="#id_password">' in page
    assert page.count("Write your password.") == 2
    assert page.count("This does not look like an email address.") == 2
