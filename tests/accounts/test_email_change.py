"""A change of address, which takes effect when the code sent to the new one is entered."""

from datetime import datetime, timedelta

import pytest
import time_machine
from allauth.account.models import EmailAddress
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.actions import choose_name, open_account
from accounts.adapter import CODE_LIFETIME
from accounts.models import Activity, User
from mail.models import Message
from tests.support.accounts import (
    CANNOT_BE_WRITTEN,
    EVENING,
    READ_AS_ANOTHER,
    SET_PAGE,
    TOO_LONG_IN_LOWERCASE,
    Mails,
    check_page,
    code_in,
    confirm_reset_code,
    page_text,
    sign_in,
    sign_up,
)
from tests.support.client import PASSWORD, Client
from tests.support.database import Statements
from tests.support.second_factors import EARLIER, give_app, reauthenticate
from vault.sessions import Session

PAGE = "/accounts/email/"
CODE_PAGE = "/accounts/confirm-email/"
NEW = "new@example.org"


pytestmark = pytest.mark.usefixtures("fresh_limits")


def addresses_of(person: User) -> tuple[str, list[tuple[str, bool, bool]]]:
    """Return (the address of the account, its EmailAddress rows)."""
    rows = EmailAddress.objects.filter(user=person).values_list("email", "verified", "primary")
    return User.objects.get(pk=person.pk).email, list(rows)


def test_address_changes_by_a_code_sent_to_it(
    carol: User, proved_carol: Client, mails: Mails
) -> None:
    page = proved_carol.get(PAGE)
    check_page(page.text)
    assertContains(page, carol.email)

    assertRedirects(proved_carol.post(PAGE, {"email": " New@Example.org "}), CODE_PAGE)
    [mail] = mails()
    assert mail.to == [NEW]
    assert addresses_of(carol)[0] == "carol@example.org"
    response = proved_carol.post(CODE_PAGE, {"code": code_in(mail)}, follow=True)

    assertRedirects(response, "/accounts/")
    assertContains(response, "Your address is confirmed.")
    assert addresses_of(carol) == (NEW, [(NEW, True, True)])
    assert sign_in(Client(), NEW).status_code == 302
    assertContains(sign_in(Client(), "carol@example.org"), "do not go together")


def test_old_address_hears_of_it_and_not_which_one_it_is(
    carol: User, proved_carol: Client, mails: Mails
) -> None:
    proved_carol.post(PAGE, {"email": NEW})
    proved_carol.post(CODE_PAGE, {"code": code_in(mails()[0])})

    notice = mails()[-1]
    assert notice.to == ["carol@example.org"]
    whole = notice.message().as_string()
    assert NEW not in whole
    assert "new@" not in whole
    assert "It now has another one" in str(notice.body)
    assert Message.objects.filter(kind="account.email_changed").count() == 1
    assert Activity.objects.of(carol).newest_first()[0].kind == Activity.Kind.EMAIL_CHANGED


@pytest.mark.parametrize("method", ["get", "post"])
def test_page_asks_for_the_password_first(as_carol: Client, method: str) -> None:
    response = getattr(as_carol, method)(PAGE, {"email": NEW})

    assert response["Location"].startswith("/accounts/reauthenticate/?next=")
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    ("email", "message"),
    [
        ("", "Write your email address."),
        ("nobody", "does not look like an email address"),
        ("eve@exam\u2028ple.org", "does not look like an email address"),
        (TOO_LONG_IN_LOWERCASE, "This address is longer than an email address can be."),
        (CANNOT_BE_WRITTEN[0], "This does not look like an email address."),
        (READ_AS_ANOTHER[0], "This does not look like an email address."),
        ("CAROL@example.org", "This is your address already."),
    ],
)
def test_address_that_cannot_be_is_refused(proved_carol: Client, email: str, message: str) -> None:
    page = proved_carol.post(PAGE, {"email": email})

    assertContains(page, message)
    assert not Message.objects.exists()


def test_page_tells_nobody_who_has_an_account(
    carol: User, proved_carol: Client, mails: Mails, statements: Statements
) -> None:
    open_account(email="taken@example.org", password=PASSWORD, now=EARLIER)
    pages, counts = [], []
    for address in ("taken@example.org", "free@example.org"):
        with statements() as found:
            response = proved_carol.post(PAGE, {"email": address})
        assertRedirects(response, CODE_PAGE)
        pages.append(page_text(proved_carol.get(CODE_PAGE), address))
        pages.append(page_text(proved_carol.post(CODE_PAGE, {"code": "1"}), address))
        counts.append(len(found))

    assert pages[:2] == pages[2:]
    assert counts[0] == counts[1]
    assert [mail.subject for mail in mails()] == ["Your code", "Your code"]


def test_address_that_is_someones_stays_theirs(
    carol: User, proved_carol: Client, mails: Mails
) -> None:
    """Even if the code from its mailbox is entered: two accounts would share one address."""
    dan = open_account(email="dan@example.org", password=PASSWORD, now=EARLIER)
    proved_carol.post(PAGE, {"email": dan.email})

    response = proved_carol.post(CODE_PAGE, {"code": code_in(mails()[0])}, follow=True)

    assertContains(response, "This address could not be confirmed: another account has it.")
    assert addresses_of(carol) == ("carol@example.org", [("carol@example.org", True, True)])
    assert addresses_of(dan) == ("dan@example.org", [("dan@example.org", True, True)])
    assert [mail.subject for mail in mails()] == ["Your code"]


def test_sign_up_that_nobody_confirmed_keeps_no_address_from_its_owner(
    carol: User, proved_carol: Client, mails: Mails
) -> None:
    squatter = Client()
    sign_up(squatter, NEW)
    with time_machine.travel(datetime.now(EVENING.tzinfo) + timedelta(seconds=11)):
        proved_carol.post(PAGE, {"email": NEW})
        newest = mails()[-1]
        proved_carol.post(CODE_PAGE, {"code": code_in(newest)})

        assert addresses_of(carol) == (NEW, [(NEW, True, True)])
        squatter.post(CODE_PAGE, {"code": code_in(mails()[0])})
        assert User.objects.get(email=NEW) == carol


def test_code_runs_out(carol: User, mails: Mails) -> None:
    with time_machine.travel(EVENING, tick=False) as clock:
        browser = Client()
        sign_in(browser, carol.email)
        reauthenticate(browser)
        browser.post(PAGE, {"email": NEW})
        assert Message.objects.get().closes_at == EVENING + CODE_LIFETIME
        clock.shift(timedelta(minutes=10, seconds=1))

        browser.post(CODE_PAGE, {"code": code_in(mails()[0])})
        page = browser.get("/accounts/")

    assertContains(page, "That code has run out. You can ask for a new one here.")
    assert addresses_of(carol)[0] == "carol@example.org"


def test_code_is_dead_after_three_wrong_tries(
    carol: User, proved_carol: Client, mails: Mails
) -> None:
    proved_carol.post(PAGE, {"email": NEW})
    for _ in range(3):
        proved_carol.post(CODE_PAGE, {"code": "00000000"})

    proved_carol.post(CODE_PAGE, {"code": code_in(mails()[0])})

    assert addresses_of(carol)[0] == "carol@example.org"


def test_code_works_in_the_browser_that_asked(
    carol: User, proved_carol: Client, client: Client, mails: Mails
) -> None:
    proved_carol.post(PAGE, {"email": NEW})
    elsewhere = Client()
    sign_in(elsewhere, carol.email)

    for other in (client, elsewhere):
        other.post(CODE_PAGE, {"code": code_in(mails()[0])})

    assert addresses_of(carol)[0] == "carol@example.org"


def test_code_ends_when_they_sign_out_elsewhere(
    carol: User, proved_carol: Client, mails: Mails
) -> None:
    """In this browser too: an intruder may have used it."""
    proved_carol.post(PAGE, {"email": NEW})

    proved_carol.post("/accounts/devices/end-others/")
    proved_carol.post(CODE_PAGE, {"code": code_in(mails()[-1])})

    assert addresses_of(carol)[0] == "carol@example.org"


def test_code_of_another_browser_ends_with_the_address(
    carol: User, proved_carol: Client, mails: Mails
) -> None:
    """Two changes are pending: the code that is entered first wins."""
    other = Client()
    sign_in(other, carol.email)
    reauthenticate(other)
    other.post(PAGE, {"email": "other@example.org"})
    late = code_in(mails()[-1])
    proved_carol.post(PAGE, {"email": NEW})
    proved_carol.post(CODE_PAGE, {"code": code_in(mails()[-1])})

    page = other.post(CODE_PAGE, {"code": late}, follow=True)

    assertContains(page, "That code has run out.")
    assert addresses_of(carol) == (NEW, [(NEW, True, True)])


def test_code_page_signs_nobody_out_by_the_way(proved_carol: Client) -> None:
    proved_carol.post(PAGE, {"email": NEW})

    page = proved_carol.get(CODE_PAGE)

    check_page(page.text)
    assertNotContains(page, "/accounts/logout/")
    assertContains(page, "Leave the address as it is")


def test_change_erases_nothing(carol: User, proved_carol: Client, mails: Mails) -> None:
    choose_name(person=carol, name="Caro", now=EARLIER)
    give_app(carol)
    sessions = Session.objects.of(carol).count()
    proved_carol.post(PAGE, {"email": NEW})

    proved_carol.post(CODE_PAGE, {"code": code_in(mails()[-1])})

    found = User.objects.get(pk=carol.pk)
    assert (found.email, found.preferred_name, found.password) == (NEW, "Caro", carol.password)
    assert found.second_factors == {"totp", "recovery_codes"}
    assert Session.objects.of(carol).count() == sessions


def test_mail_to_strangers_is_limited(proved_carol: Client) -> None:
    answers = [proved_carol.post(PAGE, {"email": f"x{n}@example.org"}) for n in range(6)]

    assert [answer.status_code for answer in answers] == [302] * 5 + [429]
    assertContains(answers[-1], "it can take a day", status_code=429)
    assert Message.objects.count() == 5


def test_page_needs_few_statements(proved_carol: Client, statements: Statements) -> None:
    with statements() as found:
        assert proved_carol.get(PAGE).status_code == 200

    assert len(found) <= 6, found


def test_locked_pages_show_and_change_no_address(
    proved_carol: Client, mails: Mails, carol: User
) -> None:
    proved_carol.post(PAGE, {"email": NEW})
    proved_carol.get("/leave/")

    for response in (
        proved_carol.get(CODE_PAGE),
        proved_carol.post(CODE_PAGE, {"code": code_in(mails()[0])}),
    ):
        assert response.status_code == 302
    assert addresses_of(carol)[0] == "carol@example.org"


def test_code_for_a_new_password_ends_with_the_address_it_was_sent_to(
    carol: User, proved_carol: Client, mails: Mails
) -> None:
    """Somebody who still reads the old mailbox may have asked for it."""
    reader = Client()
    reader.post("/accounts/password/reset/", {"email": carol.email})
    code = code_in(mails()[-1])
    proved_carol.post(PAGE, {"email": NEW})
    proved_carol.post(CODE_PAGE, {"code": code_in(mails()[-1])})
    assert addresses_of(carol)[0] == NEW

    answer = reader.post("/accounts/password/reset/confirm/", {"code": code})

    assertRedirects(answer, "/accounts/password/reset/")
    carol.refresh_from_db()
    assert carol.check_password(PASSWORD)


def test_new_password_is_set_under_the_address_its_code_was_sent_to(
    carol: User, proved_carol: Client, mails: Mails
) -> None:
    reader = Client()
    confirm_reset_code(reader, carol, mails)
    proved_carol.post(PAGE, {"email": NEW})
    proved_carol.post(CODE_PAGE, {"code": code_in(mails()[-1])})

    reader.post(SET_PAGE, {"password1": "another quiet harbour"})

    carol.refresh_from_db()
    assert carol.check_password(PASSWORD)
