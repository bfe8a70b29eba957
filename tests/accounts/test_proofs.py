"""What asks again who one is, and what becomes of what was sent before."""

import pytest
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.models import Activity, User
from mail.models import Message
from tests.accounts.factors import AGAIN, code_of, give_app
from tests.conftest import PASSWORD, Client
from vault.models import Session

NOT_DONE = "That was not done yet."
NEW = "new@example.org"


pytestmark = pytest.mark.usefixtures("fresh_limits")


CHANGES = [
    ("/accounts/lock/", {"after": "out"}),
    ("/accounts/email/", {"email": NEW}),
]


@pytest.mark.parametrize(("address", "sent"), CHANGES)
def test_what_was_sent_before_the_password_is_not_done_after_it(
    carol: User, as_carol: Client, address: str, sent: dict[str, str]
) -> None:
    """It may have been sent by somebody who found the device unlocked."""
    asked = as_carol.post(address, sent)
    assertRedirects(asked, f"{AGAIN}?next={address.replace('/', '%2F')}")

    response = as_carol.post(asked["Location"], {"password": PASSWORD})

    assertRedirects(response, address, fetch_redirect_response=False)
    assertContains(as_carol.get(address), NOT_DONE)
    assertNotContains(as_carol.get(address), NOT_DONE)
    carol.refresh_from_db()
    assert carol.lock_after == 15
    assert not Message.objects.exists()
    assert as_carol.post(address, sent).status_code == 302


def test_what_was_sent_before_a_code_is_not_done_after_it(carol: User, as_carol: Client) -> None:
    secret = give_app(carol)
    as_carol.post("/accounts/lock/", {"after": "out"})

    response = as_carol.post(
        "/accounts/2fa/reauthenticate/", {"code": code_of(secret), "next": "/accounts/lock/"}
    )

    assertContains(as_carol.get(response["Location"]), NOT_DONE)
    carol.refresh_from_db()
    assert carol.lock_after == 15


@pytest.mark.parametrize("address", ["/accounts/devices/end/", "/accounts/devices/end-others/"])
def test_where_there_is_no_page_the_password_leads_to_the_one_before(
    carol: User, as_carol: Client, address: str
) -> None:
    Client().force_login(carol)
    asked = as_carol.post(address, {"id": "x"})

    response = as_carol.post(asked["Location"], {"password": PASSWORD}, follow=True)

    assertRedirects(response, "/accounts/devices/")
    assertContains(response, NOT_DONE)
    assert Session.objects.of(carol).count() == 2
    assert not Activity.objects.of(carol).filter(kind="signed_out_elsewhere").exists()


def test_nothing_of_what_was_sent_stays_in_the_session(as_carol: Client) -> None:
    as_carol.post("/accounts/email/", {"email": "kept-nowhere@example.org"})

    assert "kept-nowhere" not in str(dict(as_carol.session.items()))


def test_whoever_only_looks_is_not_told_of_what_was_sent_before(as_carol: Client) -> None:
    as_carol.post("/accounts/lock/", {"after": "out"})
    asked = as_carol.get("/accounts/lock/")

    response = as_carol.post(asked["Location"], {"password": PASSWORD}, follow=True)

    assertRedirects(response, "/accounts/lock/")
    assertNotContains(response, NOT_DONE)


def test_after_leaving_nothing_is_known_of_what_was_sent_before(
    carol: User, as_carol: Client
) -> None:
    as_carol.post("/accounts/lock/", {"after": "out"})
    as_carol.get("/leave/")

    response = as_carol.post(AGAIN, {"password": PASSWORD, "next": "/accounts/lock/"}, follow=True)

    assertRedirects(response, "/accounts/lock/")
    assertNotContains(response, NOT_DONE)
    carol.refresh_from_db()
    assert carol.lock_after == 15


def test_after_leaving_nothing_is_said_that_was_about_to_be(sure: Client) -> None:
    assert sure.post("/accounts/lock/", {"after": "60"}).status_code == 302
    sure.get("/leave/")

    for page in (sure.get(AGAIN), sure.post(AGAIN, {"password": PASSWORD}, follow=True)):
        assertNotContains(page, "It is kept, and holds wherever you are signed in.")
