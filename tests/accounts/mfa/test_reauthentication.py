"""Reauthentication, and what happens to the request that had to wait for it."""

from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.mfa.passkeys import public_id
from accounts.models import Activity, User
from mail.models import Message
from tests.support.accounts import EVENING, sign_in
from tests.support.client import PASSWORD, Client
from tests.support.second_factors import (
    AUTHENTICATE,
    REAUTHENTICATE,
    Device,
    code_of,
    codes_of,
    give_app,
    give_passkey,
    options_in,
    reauthenticate,
    record_second_factor_proof,
    row_of,
    secret_on,
)
from vault.sessions import Session

NOT_DONE = "That was not done yet."
NEW = "new@example.org"
SECOND = "/accounts/2fa/"
BY_CODE = f"{SECOND}reauthenticate/"
BY_PASSKEY = f"{SECOND}passkeys/reauthenticate/"
ALONE = "For this page your password alone is not enough."


pytestmark = pytest.mark.usefixtures("fresh_limits")


CHANGES = [
    ("/accounts/lock/", {"after": "out"}),
    ("/accounts/email/", {"email": NEW}),
]


@pytest.mark.parametrize(("address", "sent"), CHANGES)
def test_request_posted_before_the_password_is_not_carried_out_after_it(
    carol: User, as_carol: Client, address: str, sent: dict[str, str]
) -> None:
    """An intruder at the unlocked device may have sent it."""
    asked = as_carol.post(address, sent)
    assertRedirects(asked, f"{REAUTHENTICATE}?next={address.replace('/', '%2F')}")

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


def test_get_shows_no_notice_of_a_request_posted_before(as_carol: Client) -> None:
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

    response = as_carol.post(
        REAUTHENTICATE, {"password": PASSWORD, "next": "/accounts/lock/"}, follow=True
    )

    assertRedirects(response, "/accounts/lock/")
    assertNotContains(response, NOT_DONE)
    carol.refresh_from_db()
    assert carol.lock_after == 15


def test_after_leaving_nothing_is_said_that_was_about_to_be(proved_carol: Client) -> None:
    assert proved_carol.post("/accounts/lock/", {"after": "60"}).status_code == 302
    proved_carol.get("/leave/")

    for page in (
        proved_carol.get(REAUTHENTICATE),
        proved_carol.post(REAUTHENTICATE, {"password": PASSWORD}, follow=True),
    ):
        assertNotContains(page, "Saved. It holds wherever you are signed in.")


# --- The second factor of a person who has one ---------------------------------------------


OTHER = "a much longer sentence"
CHANGING = {
    f"{SECOND}app/": {"code": "123456"},
    f"{SECOND}app/remove/": {},
    f"{SECOND}codes/": {},
    f"{SECOND}codes/new/": {},
    f"{SECOND}passkeys/add/": {"credential": "{}"},
    "/accounts/email/": {"email": NEW},
    "/accounts/password/change/": {"oldpassword": PASSWORD, "password1": OTHER},
}


def state_of(person: User) -> list[tuple[str, object]]:
    """The state that a request could have changed."""
    rows = Authenticator.objects.filter(user=person).order_by("pk").values_list("pk", "data")
    return [*rows, ("password", User.objects.get(pk=person.pk).password)]


@pytest.mark.parametrize("address", CHANGING)
def test_session_older_than_the_second_factor_changes_nothing_by_the_password(
    carol: User, as_carol: Client, address: str
) -> None:
    give_app(carol)
    before, mails = state_of(carol), Message.objects.count()
    reauthenticate(as_carol)

    for response in (as_carol.get(address), as_carol.post(address, CHANGING[address])):
        assertRedirects(response, f"{BY_CODE}?next={address.replace('/', '%2F')}")

    assert state_of(carol) == before
    assert Message.objects.count() == mails


def test_passkey_is_not_removed_by_the_password(carol: User, as_carol: Client) -> None:
    give_passkey(carol)
    address = f"{SECOND}passkeys/{public_id(row_of(carol, 'webauthn'))}/remove/"
    reauthenticate(as_carol)

    response = as_carol.post(address)

    assert response["Location"].startswith(f"{BY_PASSKEY}?next=")
    assert Authenticator.objects.filter(type="webauthn").exists()


def test_code_opens_the_page_without_the_password(carol: User, as_carol: Client) -> None:
    secret = give_app(carol)
    address = f"{SECOND}app/remove/"
    asked = as_carol.get(address)
    assertNotContains(as_carol.get(asked["Location"]), ALONE)

    response = as_carol.post(asked["Location"], {"code": code_of(secret)})

    assertRedirects(response, address)
    assertRedirects(as_carol.post(address), SECOND)
    assert not Authenticator.objects.exists()


def test_recovery_code_opens_it_too(carol: User, as_carol: Client) -> None:
    give_passkey(carol)
    code, *_others = codes_of(carol)
    address = f"{SECOND}codes/new/"
    page = as_carol.get(as_carol.get(address)["Location"])
    assertContains(page, f'href="{BY_CODE}?next=%2Faccounts%2F2fa%2Fcodes%2Fnew%2F"')

    assertRedirects(as_carol.post(BY_CODE, {"code": code, "next": address}), address)


def test_passkey_opens_it_too(carol: User, as_carol: Client) -> None:
    device, address = give_passkey(carol), f"{SECOND}passkeys/add/"
    asked = as_carol.get(address)["Location"]
    options = options_in(as_carol.get(asked).text)

    response = as_carol.post(asked, {"credential": device.authenticate(options)})

    assertRedirects(response, address)


def test_recent_password_alone_is_refused_with_a_reason(carol: User, as_carol: Client) -> None:
    give_app(carol)
    address = f"{SECOND}app/remove/"

    page = as_carol.post(REAUTHENTICATE, {"password": PASSWORD, "next": address}, follow=True)

    assert page.redirect_chain[-1][0].startswith(BY_CODE)
    assertContains(page, ALONE)


def test_second_factor_is_asked_for_again_after_a_while_and_after_a_lock(carol: User) -> None:
    address, browser = f"{SECOND}app/remove/", Client()
    with time_machine.travel(EVENING, tick=False) as clock:
        secret = give_app(carol)
        sign_in(browser, carol.email)
        browser.post(AUTHENTICATE, {"code": code_of(secret)})
        reauthenticate(browser)
        assert browser.get(address).status_code == 200

        clock.shift(timedelta(minutes=5))
        reauthenticate(browser)
        assert browser.get(address)["Location"].startswith(BY_CODE)

        browser.post(BY_CODE, {"code": code_of(secret)})
        assert browser.get(address).status_code == 200
        browser.get("/leave/")
        reauthenticate(browser)
        assert browser.get(address)["Location"].startswith(BY_CODE)


def test_setting_up_an_app_counts_as_a_recent_proof(carol: User, as_carol: Client) -> None:
    reauthenticate(as_carol)
    secret = secret_on(as_carol.get(f"{SECOND}app/"))
    assertRedirects(as_carol.post(f"{SECOND}app/", {"code": code_of(secret)}), f"{SECOND}codes/")

    assert as_carol.post(f"{SECOND}codes/").text.count("<code>") == 10
    assert as_carol.get(f"{SECOND}passkeys/add/").status_code == 200


def test_adding_a_passkey_counts_as_a_recent_proof(carol: User, as_carol: Client) -> None:
    reauthenticate(as_carol)
    options = options_in(as_carol.get(f"{SECOND}passkeys/add/").text)
    made = {"credential": Device().register(options)}
    assertRedirects(as_carol.post(f"{SECOND}passkeys/add/", made), f"{SECOND}codes/")

    assert as_carol.post(f"{SECOND}codes/").text.count("<code>") == 10


def test_password_is_changed_where_the_second_factor_was_shown(
    carol: User, as_carol: Client
) -> None:
    give_app(carol)
    reauthenticate(as_carol)
    record_second_factor_proof(as_carol)

    sent = CHANGING["/accounts/password/change/"]
    assertRedirects(as_carol.post("/accounts/password/change/", sent), "/you/")

    carol.refresh_from_db()
    assert carol.check_password(OTHER)


def test_without_a_second_factor_the_password_is_all_that_is_asked_for(
    carol: User, as_carol: Client
) -> None:
    assert as_carol.get("/accounts/password/change/").status_code == 200
    reauthenticate(as_carol)

    for address in ("/accounts/email/", f"{SECOND}app/", f"{SECOND}passkeys/add/"):
        assert as_carol.get(address).status_code == 200
