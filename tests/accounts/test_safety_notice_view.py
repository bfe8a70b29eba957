"""The page after the first sign-in: how to leave, and what the browser keeps."""

from datetime import datetime

import pytest
import time_machine
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.models import User
from tests.support.accounts import EVENING, Mails, code_in, safety_notice_url, sign_in, sign_up
from tests.support.client import Client
from tests.support.database import Statements

FIRST = "/accounts/first/"


@pytest.fixture
def dana(client: Client, mails: Mails) -> User:
    """A new account, signed in and on its way to a step."""
    sign_up(client, next="/steps/3/")
    response = client.post("/accounts/confirm-email/", {"code": code_in(mails()[0])})
    assertRedirects(response, safety_notice_url("/steps/3/"), fetch_redirect_response=False)
    return User.objects.get(email="dana@example.org")


def test_safety_notice_says_what_leaving_does_and_what_it_cannot(
    client: Client, dana: User
) -> None:
    page = client.get(safety_notice_url("/steps/3/"))

    for words in (
        "Leave now",
        "Shift three times",
        "15 quiet minutes",
        "history",
        "saved password",
        "unless you use two-step sign-in",
    ):
        assertContains(page, words)
    for address in ("/accounts/lock/", "/help/", "/safety/"):
        assertContains(page, f'href="{address}"')
    assertContains(page, 'href="/steps/3/"')
    assertContains(page, "<title>Before you begin – Notes</title>")


def test_looking_at_it_changes_nothing(client: Client, dana: User) -> None:
    client.get(FIRST)
    client.head(FIRST)

    dana.refresh_from_db()
    assert dana.shown_safety_at is None


def test_reading_it_leads_on_and_is_remembered(client: Client, dana: User) -> None:
    with time_machine.travel(EVENING, tick=False):
        client.force_login(dana)
        response = client.post(FIRST, {"next": "/steps/3/"})

    assertRedirects(response, "/steps/3/", fetch_redirect_response=False)
    dana.refresh_from_db()
    assert dana.shown_safety_at == EVENING
    assertRedirects(sign_in(Client(), dana.email), "/today/", fetch_redirect_response=False)


def test_it_is_no_gate(client: Client, dana: User) -> None:
    for address in ("/today/", "/journal/write/them/", "/steps/3/", "/help/"):
        assert client.get(address).status_code == 200

    assertRedirects(
        sign_in(Client(), dana.email), safety_notice_url("/today/"), fetch_redirect_response=False
    )


def test_it_can_be_read_again_and_asks_for_nothing_then(
    client: Client, dana: User, now: datetime
) -> None:
    dana.record_safety_shown(now=now)

    assertNotContains(client.get(FIRST), "I have read this")
    assertContains(client.get("/safety/"), f'href="{FIRST}"')
    assertNotContains(Client().get("/safety/"), FIRST)


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:x"])
def test_it_leads_to_no_other_site(client: Client, dana: User, elsewhere: str) -> None:
    assertNotContains(client.get(FIRST, {"next": elsewhere}), elsewhere)

    response = client.post(FIRST, {"next": elsewhere})

    assertRedirects(response, "/today/", fetch_redirect_response=False)


def test_it_asks_little_of_the_database(client: Client, dana: User, statements: Statements) -> None:
    client.get("/today/")
    with statements() as asked:
        client.get(FIRST)

    assert len(asked) <= 6
