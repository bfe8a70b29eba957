"""The activity list: sign-ins and changes of how a person signs in, and nothing else."""

from typing import Any
from uuid import uuid4

import pytest
from pytest_django.asserts import assertContains, assertNotContains

from accounts.models import Activity, User
from mail.models import Message
from tests.support.accounts import EVENING, Mails, code_in, sign_in
from tests.support.client import PASSWORD, Client
from tests.support.letters import a_letter
from tests.support.second_factors import (
    AUTHENTICATE,
    code_of,
    give_app,
    reauthenticate,
    record_second_factor_proof,
)
from vault.sessions import Session

PAGE = "/accounts/activity/"
NEW = "a much longer sentence"
FIREFOX = {"User-Agent": "Mozilla/5.0 (Android 14; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0"}


pytestmark = pytest.mark.usefixtures("fresh_limits")


def kinds_of(person: User) -> list[str]:
    """The kinds of activity, oldest first."""
    rows = Activity.objects.of(person).order_by("at", "pk")
    return list(rows.values_list("kind", flat=True))


def test_sign_in_is_noted_with_the_kind_of_browser(carol: User) -> None:
    browser = Client(headers=FIREFOX)
    sign_in(browser, carol.email)

    [row] = Activity.objects.of(carol)
    assert (row.kind, row.device) == ("signed_in", "Firefox on Android")
    assertContains(browser.get(PAGE), "Firefox on Android")


def test_sign_in_is_noted_when_it_is_whole(carol: User) -> None:
    secret = give_app(carol)
    browser = Client()
    sign_in(browser, carol.email)
    sign_in(Client(), carol.email, "a guess")
    assert "signed_in" not in kinds_of(carol)

    browser.post(AUTHENTICATE, {"code": code_of(secret)})

    assert kinds_of(carol) == ["app_added", "signed_in"]


def test_reading_and_writing_are_never_noted(carol: User, as_carol: Client) -> None:
    letter = a_letter(carol, now=EVENING)
    before = kinds_of(carol)

    for address in ("/today/", "/journal/", f"/journal/{letter.pk}/", "/steps/1/", "/you/"):
        assert as_carol.get(address).status_code == 200
    as_carol.post("/journal/write/them/", {"id": str(uuid4()), "to": "", "body": "more"})
    as_carol.post(f"/journal/{letter.pk}/edit/", {"to": "", "body": "other"})
    as_carol.post(f"/journal/{letter.pk}/let-go/")
    reauthenticate(as_carol)

    assert kinds_of(carol) == before == ["signed_in"]


def test_every_change_of_how_one_signs_in_is_noted_and_told(
    carol: User, as_carol: Client, mails: Mails
) -> None:
    reauthenticate(as_carol)
    secret = give_app(carol)
    record_second_factor_proof(as_carol)
    as_carol.post("/accounts/2fa/codes/new/")
    as_carol.post("/accounts/2fa/app/remove/")
    as_carol.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": NEW})
    as_carol.post("/accounts/email/", {"email": "new@example.org"})
    as_carol.post("/accounts/confirm-email/", {"code": code_in(mails()[-1])})

    changes = ["app_added", "codes_made", "app_removed", "password_changed", "email_changed"]
    assert sorted(kinds_of(carol)) == sorted(["signed_in", *changes])
    told = Message.objects.exclude(kind="account.confirm_code").order_by("created_at", "pk")
    assert sorted(told.values_list("kind", flat=True)) == sorted(f"account.{it}" for it in changes)
    assert secret not in "".join(str(mail.body) for mail in mails())


def test_nobody_sees_what_is_noted_of_another(carol: User, as_bob: Client) -> None:
    sign_in(Client(headers=FIREFOX), carol.email)

    assertNotContains(as_bob.get(PAGE), "Firefox")


# --- Other sessions ------------------------------------------------------------------------


def sessions_of(person: User) -> int:
    return Session.objects.of(person).count()


def elsewhere(person: User) -> list[Client]:
    browsers = [Client(), Client()]
    for browser in browsers:
        sign_in(browser, person.email)
    return browsers


def is_in(client: Any) -> bool:
    return bool(client.get("/you/").status_code == 200)


def test_new_password_ends_every_other_session(carol: User, as_carol: Client) -> None:
    others = elsewhere(carol)
    assert sessions_of(carol) == 3

    as_carol.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": NEW})

    assert sessions_of(carol) == 1
    assert is_in(as_carol)
    assert not any(is_in(other) for other in others)
    assert "signed_out_elsewhere" in kinds_of(carol)


def test_new_password_by_mail_ends_every_session(carol: User, client: Client, mails: Mails) -> None:
    others = elsewhere(carol)
    client.post("/accounts/password/reset/", {"email": carol.email})
    client.post("/accounts/password/reset/confirm/", {"code": code_in(mails()[0])})
    assert sessions_of(carol) == 2

    client.post("/accounts/password/reset/complete/", {"password1": NEW})

    assert sessions_of(carol) == 0
    assert not any(is_in(other) for other in others)
    assert kinds_of(carol)[-2:] == ["signed_out_elsewhere", "password_changed"]


def test_password_that_is_refused_ends_nothing(carol: User, as_carol: Client) -> None:
    elsewhere(carol)

    as_carol.post("/accounts/password/change/", {"oldpassword": "a guess", "password1": NEW})

    assert sessions_of(carol) == 3
