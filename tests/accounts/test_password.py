from datetime import timedelta

import pytest
import time_machine
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.models import User
from accounts.sessions.actions import end_sessions
from tests.support.accounts import (
    CODE_PAGE,
    EVENING,
    RESET,
    SET_PAGE,
    Mails,
    code_in,
    confirm_reset_code,
    page_text,
    sign_in,
)
from tests.support.client import PASSWORD, Client

NEW = "a much longer sentence"
CHANGE = "/accounts/password/change/"


def test_password_changes_and_other_places_are_signed_out(
    carol: User, as_carol: Client, mails: Mails
) -> None:
    elsewhere = Client()
    sign_in(elsewhere, carol.email)

    response = as_carol.post(CHANGE, {"oldpassword": PASSWORD, "password1": NEW})

    assertRedirects(response, "/you/", fetch_redirect_response=False)
    carol.refresh_from_db()
    assert carol.check_password(NEW)
    assert as_carol.get(CHANGE).status_code == 200
    assertRedirects(elsewhere.get(CHANGE), f"/accounts/login/?next={CHANGE}")
    [mail] = mails()
    assert mail.to == [carol.email]
    assert mail.subject == "Your password"
    assert "127.0.0.1" not in str(mail.body)


def test_password_stays_when_the_old_one_is_wrong(
    carol: User, as_carol: Client, mails: Mails
) -> None:
    response = as_carol.post(CHANGE, {"oldpassword": "not this one", "password1": NEW})

    assertContains(response, "That is not your current password.")
    carol.refresh_from_db()
    assert carol.check_password(PASSWORD)
    assert mails() == []


def test_setting_a_first_password_is_never_needed(as_carol: Client) -> None:
    assertRedirects(as_carol.get("/accounts/password/set/"), CHANGE)


def test_reset_sets_a_new_password_by_a_code(client: Client, carol: User, mails: Mails) -> None:
    assertRedirects(client.post(RESET, {"email": "Carol@Example.org"}), CODE_PAGE)
    [mail] = mails()
    assert mail.to == [carol.email]

    assertRedirects(client.post(CODE_PAGE, {"code": code_in(mail)}), SET_PAGE)
    response = client.post(SET_PAGE, {"password1": NEW}, follow=True)

    assertRedirects(response, "/accounts/password/reset/done/")
    assertContains(response, "Your new password is ready")
    assert "_auth_user_id" not in client.session, "a mailbox alone signs nobody in"
    assert sign_in(client, carol.email, NEW).status_code == 302
    assert [mail.subject for mail in mails()] == ["Your code", "Your password"]


def test_reset_signs_out_wherever_they_were(
    client: Client, carol: User, as_carol: Client, mails: Mails
) -> None:
    client.post(RESET, {"email": carol.email})
    client.post(CODE_PAGE, {"code": code_in(mails()[0])})
    client.post(SET_PAGE, {"password1": NEW})

    assert as_carol.get(CHANGE).status_code == 302


def test_reset_tells_nobody_who_has_an_account(carol: User, mails: Mails) -> None:
    known, stranger = Client(), Client()
    first = known.post(RESET, {"email": carol.email})
    second = stranger.post(RESET, {"email": "nobody@example.org"})

    assert (first.status_code, first["Location"]) == (second.status_code, second["Location"])
    assert page_text(known.get(CODE_PAGE), carol.email) == page_text(
        stranger.get(CODE_PAGE), "nobody@example.org"
    )
    for _ in range(2):
        assert page_text(known.post(CODE_PAGE, {"code": "1"}), carol.email) == page_text(
            stranger.post(CODE_PAGE, {"code": "1"}), "nobody@example.org"
        )
    first = known.post(CODE_PAGE, {"code": "1"}, follow=True)
    second = stranger.post(CODE_PAGE, {"code": "1"}, follow=True)
    assert first.redirect_chain == second.redirect_chain
    assert page_text(first) == page_text(second)
    to_known, to_stranger = mails()
    assert code_in(to_known)
    assert "No account uses this address." in str(to_stranger.body)


def test_reset_code_is_dead_after_three_wrong_tries(
    client: Client, carol: User, mails: Mails
) -> None:
    client.post(RESET, {"email": carol.email})
    for _ in range(2):
        assertContains(client.post(CODE_PAGE, {"code": "wrong"}), "That is not the code")
    client.post(CODE_PAGE, {"code": "wrong"})

    response = client.post(CODE_PAGE, {"code": code_in(mails()[0])})

    assertRedirects(response, "/accounts/login/")
    assertRedirects(client.get(SET_PAGE), RESET)


@pytest.mark.parametrize("page", [CODE_PAGE, SET_PAGE])
def test_reset_runs_out_after_ten_minutes_and_says_so(
    client: Client, carol: User, mails: Mails, page: str
) -> None:
    with time_machine.travel(EVENING, tick=False) as clock:
        client.post(RESET, {"email": carol.email})
        if page == SET_PAGE:
            client.post(CODE_PAGE, {"code": code_in(mails()[0])})
        clock.shift(timedelta(minutes=10, seconds=1))

        response = client.post(page, {"code": code_in(mails()[0]), "password1": NEW}, follow=True)

    assertRedirects(response, RESET)
    assertContains(response, "That code has run out.")
    carol.refresh_from_db()
    assert carol.check_password(PASSWORD)


@pytest.mark.parametrize("where", ["nobody’s", "open", "locked"])
@pytest.mark.parametrize(
    ("address", "sent", "password"),
    [
        (CHANGE, {"oldpassword": PASSWORD, "password1": NEW}, NEW),
        ("/accounts/devices/end-others/", {}, PASSWORD),
    ],
)
def test_pending_reset_ends_with_the_other_sessions(
    carol: User,
    proved_carol: Client,
    as_bob: Client,
    mails: Mails,
    where: str,
    address: str,
    sent: dict[str, str],
    password: str,
) -> None:
    """An intruder who reads their mail may have started it, in any browser."""
    reader = Client() if where == "nobody’s" else as_bob
    if where == "locked":
        reader.get("/leave/")
    confirm_reset_code(reader, carol, mails)

    assert proved_carol.post(address, sent).status_code == 302
    page = reader.post(SET_PAGE, {"password1": "what a reader of mails chose"}, follow=True)

    assertRedirects(page, RESET)
    assertContains(page, "That code has run out. You can ask for a new one here.")
    carol.refresh_from_db()
    assert carol.check_password(password)


def test_reset_counts_as_begun_when_its_mail_was_sent(
    client: Client, carol: User, mails: Mails
) -> None:
    """The code is entered just when they sign out elsewhere."""
    with time_machine.travel(EVENING, tick=False) as clock:
        client.post(RESET, {"email": carol.email})
        clock.shift(timedelta(minutes=1))
        client.post(CODE_PAGE, {"code": code_in(mails()[0])})
        end_sessions(person=carol, except_key=None, now=EVENING + timedelta(seconds=59))

        client.post(SET_PAGE, {"password1": NEW})

    carol.refresh_from_db()
    assert carol.check_password(PASSWORD)


def test_reset_that_was_begun_since_goes_on(
    carol: User, proved_carol: Client, mails: Mails
) -> None:
    proved_carol.post("/accounts/devices/end-others/")
    client = Client()
    confirm_reset_code(client, carol, mails)

    assertRedirects(client.post(SET_PAGE, {"password1": NEW}), "/accounts/password/reset/done/")

    carol.refresh_from_db()
    assert carol.check_password(NEW)


def test_reset_checks_the_new_password(client: Client, carol: User, mails: Mails) -> None:
    client.post(RESET, {"email": carol.email})
    client.post(CODE_PAGE, {"code": code_in(mails()[0])})

    response = client.post(SET_PAGE, {"password1": "carol@example"})

    assertContains(response, "This is very close to your email address.")
    assertNotContains(response, 'value="carol@example"')
