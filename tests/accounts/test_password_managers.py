"""What password managers, browsers and robots look for."""

import re

import pytest
from pytest_django.asserts import assertRedirects

from accounts.models import User
from tests.support.accounts import RESET, Mails, code_in
from tests.support.client import Client
from tests.support.database import Statements

USERNAME = r'<input type="email" autocomplete="username" value="([^"]*)" readonly hidden>'


def test_sign_in_page_names_its_fields(client: Client, db: None) -> None:
    page = client.get("/accounts/login/").text

    assert re.search(r'<input type="email" name="login"[^>]*autocomplete="username"', page)
    assert re.search(r'<input type="password"[^>]*autocomplete="current-password"', page)


def test_page_of_a_changed_password_names_whose_it_is(proved_carol: Client, carol: User) -> None:
    page = proved_carol.get("/accounts/password/change/").text

    assert re.findall(USERNAME, page) == [carol.email]
    assert page.index("username") < page.index("current-password") < page.index("new-password")


def test_page_of_a_new_password_names_whose_it_is(
    client: Client, carol: User, mails: Mails
) -> None:
    client.post(RESET, {"email": carol.email})
    client.post("/accounts/password/reset/confirm/", {"code": code_in(mails()[-1])})

    page = client.get("/accounts/password/reset/complete/").text

    assert re.findall(USERNAME, page) == [carol.email]


def test_locked_page_names_nobody(as_carol: Client, carol: User) -> None:
    as_carol.get("/leave/")

    assert carol.email not in as_carol.get("/accounts/reauthenticate/").text


def test_well_known_address_leads_to_the_page(client: Client) -> None:
    assertRedirects(
        client.get("/.well-known/change-password"),
        "/accounts/password/change/",
        fetch_redirect_response=False,
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "kind", "start"),
    [
        ("/robots.txt", "text/plain", b"User-agent: *\n"),
        ("/favicon.ico", "image/", b"\0\0\1\0"),
        ("/apple-touch-icon.png", "image/png", b"\x89PNG"),
    ],
)
def test_file_at_the_root_needs_neither_session_nor_database(
    client: Client, statements: Statements, address: str, kind: str, start: bytes
) -> None:
    with statements() as sent:
        answer = client.get(address)

    assert answer.status_code == 200
    assert answer["Content-Type"].startswith(kind)
    assert answer.getvalue().startswith(start)
    assert (sent, list(answer.cookies)) == ([], [])
