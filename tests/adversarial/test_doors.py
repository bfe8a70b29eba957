"""Small holes that were found once, where they were."""

from datetime import datetime

import pytest
from pytest_django.asserts import assertContains, assertNotContains

from accounts.erasure import erase
from accounts.models import User
from healing.models import Answer
from mail.models import Message
from tests.support.client import PASSWORD, Client
from tests.support.private_words import ANSWER
from vault.sessions import Session, SessionStore

DOORS = ["/accounts/login/", "/accounts/signup/", "/accounts/password/reset/"]


@pytest.mark.parametrize(
    "elsewhere",
    [
        "//evil.example/",
        "/\\evil.example/",
        "///evil.example/",
        "\t//evil.example/",
        "\x00//evil.example/",
        "https:evil.example",
        "https://testserver@evil.example/",
        "https://evil.example/today/",
        "javascript:alert(1)",
        "data:text/html,x",
        "http://[",
        "http://testserver]/",
        "/" + "a" * 5000,
    ],
)
def test_door_leads_to_no_other_site(browser: Client, alice: User, elsewhere: str) -> None:
    for door in DOORS:
        assert Client().get(door, {"next": elsewhere}).status_code == 200

    open_door = Client(raise_request_exception=False)
    sent = {"login": alice.email, "password": PASSWORD, "next": elsewhere}
    for response in (
        open_door.post("/accounts/login/", sent),
        browser.post("/accounts/reauthenticate/", sent),
        browser.post("/accounts/logout/", sent),
    ):
        assert response.status_code == 302
        assert response.headers["Location"] in {"/", "/today/", "/accounts/confirm-email/"}


@pytest.mark.parametrize("referrer", ["http://[", "http://testserver]/x", "//[/"])
def test_locked_page_leads_to_a_page_of_ours_wherever_it_came_from(
    browser: Client, referrer: str
) -> None:
    browser.get("/leave/")

    page = browser.post("/journal/write/them/", {"body": "mine"}, headers={"Referer": referrer})

    assertNotContains(page, "mine", status_code=403)
    assertContains(page, "reauthenticate/?next=/today/", status_code=403)


@pytest.mark.parametrize(
    "address",
    [
        '"\x1c\x1cHello"@example.org',
        '"\x1dBcc:eve@evil.example"@example.org',
        "eve@exam\u2028ple.org",
        "eve@exam\x85ple.org",
        "eve@example.org\r\nBcc: mallory@evil.example",
    ],
)
def test_address_cannot_end_a_line_of_a_mail(client: Client, db: None, address: str) -> None:
    sign_up = {"email": address, "password1": PASSWORD, "consent": "on"}

    for door, data in (
        ("/accounts/signup/", sign_up),
        ("/accounts/password/reset/", {"email": address}),
        ("/accounts/login/", {"login": address, "password": PASSWORD}),
    ):
        assertContains(client.post(door, data), "does not look like an email address")
    assert not Message.objects.exists()
    assert not User.objects.exists()


def test_erasing_counts_guesses_as_every_door_does(browser: Client, alice: User) -> None:
    """Otherwise passwords could be guessed without limit on a signed-in device."""
    guesses = [browser.post("/you/privacy/erase/", {"password": f"guess {n}"}) for n in range(10)]
    assert {guess.status_code for guess in guesses} == {200}

    last = browser.post("/you/privacy/erase/", {"password": PASSWORD})

    assert last.status_code == 429
    assert User.objects.filter(pk=alice.pk).exists()


def test_erasing_leaves_addresses_alone_that_end_alike(alice: User, now: datetime) -> None:
    """malice@example.org contains alice@example.org."""
    for waiting in (f"m{alice.email}", alice.email):
        session = SessionStore()
        session["code"] = {"email": waiting}
        session.save()

    erase(person=alice, now=now)

    [left] = Session.objects.all()
    assert left.get_decoded() == {"code": {"email": f"m{alice.email}"}}


def test_answer_is_not_written_over_from_another_exercise(
    browser: Client, alice: User, answer: Answer
) -> None:
    sent = {"id": str(answer.pk), "value": "rest", "situation": "it rings", "action": "sleep"}

    browser.post("/steps/5/boundary/", sent)

    assert ANSWER in browser.get("/steps/1/filling-in/").text
    assert sorted(Answer.objects.of(alice).values_list("step", flat=True)) == [1, 5]
