"""Another address: it changes when a code that was sent to it comes back, and not before."""

from datetime import datetime, timedelta

import pytest
import time_machine
from allauth.account.models import EmailAddress
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.actions import choose_name, open_account
from accounts.adapter import CODE_LIVES
from accounts.models import Activity, User
from mail.models import Message
from tests.accounts.conftest import (
    EVENING,
    GROWS,
    SET_PAGE,
    Mails,
    code_in,
    may_set_password,
    seen,
    sign_in,
    sign_up,
)
from tests.accounts.test_pages import check
from tests.conftest import PASSWORD, Client, Statements
from tests.support.second_factors import EARLIER, give_app, prove_again
from vault.sessions import Session

PAGE = "/accounts/email/"
CODE_PAGE = "/accounts/confirm-email/"
NEW = "new@example.org"


pytestmark = pytest.mark.usefixtures("fresh_limits")


def now_under(person: User) -> tuple[str, list[tuple[str, bool, bool]]]:
    """(the address of the account, every row about it)."""
    rows = EmailAddress.objects.filter(user=person).values_list("email", "verified", "primary")
    return User.objects.get(pk=person.pk).email, list(rows)


def test_address_changes_by_a_code_sent_to_it(carol: User, sure: Client, mails: Mails) -> None:
    page = sure.get(PAGE)
    check(page.text)
    assertContains(page, carol.email)

    assertRedirects(sure.post(PAGE, {"email": " New@Example.org "}), CODE_PAGE)
    [mail] = mails()
    assert mail.to == [NEW]
    assert now_under(carol)[0] == "carol@example.org"
    response = sure.post(CODE_PAGE, {"code": code_in(mail)}, follow=True)

    assertRedirects(response, "/accounts/")
    assertContains(response, "Your address is confirmed.")
    assert now_under(carol) == (NEW, [(NEW, True, True)])
    assert sign_in(Client(), NEW).status_code == 302
    assertContains(sign_in(Client(), "carol@example.org"), "do not go together")


def test_old_address_hears_of_it_and_not_which_one_it_is(
    carol: User, sure: Client, mails: Mails
) -> None:
    sure.post(PAGE, {"email": NEW})
    sure.post(CODE_PAGE, {"code": code_in(mails()[0])})

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
    ("email", "said"),
    [
        ("", "Write your email address."),
        ("nobody", "does not look like an email address"),
        ("eve@exam\u2028ple.org", "does not look like an email address"),
        (GROWS, "This address is longer than an email address can be."),
        ("CAROL@example.org", "This is your address already."),
    ],
)
def test_address_that_cannot_be_is_refused(sure: Client, email: str, said: str) -> None:
    page = sure.post(PAGE, {"email": email})

    assertContains(page, said)
    assert not Message.objects.exists()


def test_page_tells_nobody_who_has_an_account(
    carol: User, sure: Client, mails: Mails, statements: Statements
) -> None:
    open_account(email="taken@example.org", password=PASSWORD, now=EARLIER)
    pages, counts = [], []
    for address in ("taken@example.org", "free@example.org"):
        with statements() as found:
            response = sure.post(PAGE, {"email": address})
        assertRedirects(response, CODE_PAGE)
        pages.append(seen(sure.get(CODE_PAGE), address))
        pages.append(seen(sure.post(CODE_PAGE, {"code": "1"}), address))
        counts.append(len(found))

    assert pages[:2] == pages[2:]
    assert counts[0] == counts[1]
    assert [mail.subject for mail in mails()] == ["Your code", "Your code"]


def test_address_that_is_someones_stays_theirs(carol: User, sure: Client, mails: Mails) -> None:
    """Even for whoever reads that mailbox: it would take two people for one."""
    dan = open_account(email="dan@example.org", password=PASSWORD, now=EARLIER)
    sure.post(PAGE, {"email": dan.email})

    response = sure.post(CODE_PAGE, {"code": code_in(mails()[0])}, follow=True)

    assertContains(response, "This address could not be confirmed: another account has it.")
    assert now_under(carol) == ("carol@example.org", [("carol@example.org", True, True)])
    assert now_under(dan) == ("dan@example.org", [("dan@example.org", True, True)])
    assert [mail.subject for mail in mails()] == ["Your code"]


def test_sign_up_that_nobody_confirmed_keeps_no_address_from_its_owner(
    carol: User, sure: Client, mails: Mails
) -> None:
    squatter = Client()
    sign_up(squatter, NEW)
    with time_machine.travel(datetime.now(EVENING.tzinfo) + timedelta(seconds=11)):
        sure.post(PAGE, {"email": NEW})
        newest = mails()[-1]
        sure.post(CODE_PAGE, {"code": code_in(newest)})

        assert now_under(carol) == (NEW, [(NEW, True, True)])
        squatter.post(CODE_PAGE, {"code": code_in(mails()[0])})
        assert User.objects.get(email=NEW) == carol


def test_code_runs_out(carol: User, mails: Mails) -> None:
    with time_machine.travel(EVENING, tick=False) as clock:
        browser = Client()
        sign_in(browser, carol.email)
        prove_again(browser)
        browser.post(PAGE, {"email": NEW})
        assert Message.objects.get().closes_at == EVENING + CODE_LIVES
        clock.shift(timedelta(minutes=10, seconds=1))

        browser.post(CODE_PAGE, {"code": code_in(mails()[0])})
        page = browser.get("/accounts/")

    assertContains(page, "That code has run out. You can ask for a new one here.")
    assert now_under(carol)[0] == "carol@example.org"


def test_code_is_dead_after_three_wrong_tries(carol: User, sure: Client, mails: Mails) -> None:
    sure.post(PAGE, {"email": NEW})
    for _ in range(3):
        sure.post(CODE_PAGE, {"code": "00000000"})

    sure.post(CODE_PAGE, {"code": code_in(mails()[0])})

    assert now_under(carol)[0] == "carol@example.org"


def test_code_works_in_the_browser_that_asked(
    carol: User, sure: Client, client: Client, mails: Mails
) -> None:
    sure.post(PAGE, {"email": NEW})
    elsewhere = Client()
    sign_in(elsewhere, carol.email)

    for other in (client, elsewhere):
        other.post(CODE_PAGE, {"code": code_in(mails()[0])})

    assert now_under(carol)[0] == "carol@example.org"


def test_code_ends_when_they_sign_out_elsewhere(carol: User, sure: Client, mails: Mails) -> None:
    """Also in this browser: somebody else may have sat at it."""
    sure.post(PAGE, {"email": NEW})

    sure.post("/accounts/devices/end-others/")
    sure.post(CODE_PAGE, {"code": code_in(mails()[-1])})

    assert now_under(carol)[0] == "carol@example.org"


def test_code_of_another_browser_ends_with_the_address(
    carol: User, sure: Client, mails: Mails
) -> None:
    """Two are on their way: whichever comes back first is theirs."""
    other = Client()
    sign_in(other, carol.email)
    prove_again(other)
    other.post(PAGE, {"email": "other@example.org"})
    late = code_in(mails()[-1])
    sure.post(PAGE, {"email": NEW})
    sure.post(CODE_PAGE, {"code": code_in(mails()[-1])})

    page = other.post(CODE_PAGE, {"code": late}, follow=True)

    assertContains(page, "That code has run out.")
    assert now_under(carol) == (NEW, [(NEW, True, True)])


def test_code_page_signs_nobody_out_by_the_way(sure: Client) -> None:
    sure.post(PAGE, {"email": NEW})

    page = sure.get(CODE_PAGE)

    check(page.text)
    assertNotContains(page, "/accounts/logout/")
    assertContains(page, "Leave the address as it is")


def test_change_erases_nothing(carol: User, sure: Client, mails: Mails) -> None:
    choose_name(person=carol, name="Caro", now=EARLIER)
    give_app(carol)
    sessions = Session.objects.of(carol).count()
    sure.post(PAGE, {"email": NEW})

    sure.post(CODE_PAGE, {"code": code_in(mails()[-1])})

    found = User.objects.get(pk=carol.pk)
    assert (found.email, found.called, found.password) == (NEW, "Caro", carol.password)
    assert found.second_factors == {"totp", "recovery_codes"}
    assert Session.objects.of(carol).count() == sessions


def test_mail_to_strangers_is_limited(sure: Client) -> None:
    answers = [sure.post(PAGE, {"email": f"x{n}@example.org"}) for n in range(6)]

    assert [answer.status_code for answer in answers] == [302] * 5 + [429]
    assertContains(answers[-1], "it can take a day", status_code=429)
    assert Message.objects.count() == 5


def test_page_needs_few_statements(sure: Client, statements: Statements) -> None:
    with statements() as found:
        assert sure.get(PAGE).status_code == 200

    assert len(found) <= 6, found


def test_locked_pages_show_and_change_no_address(sure: Client, mails: Mails, carol: User) -> None:
    sure.post(PAGE, {"email": NEW})
    sure.get("/leave/")

    for response in (sure.get(CODE_PAGE), sure.post(CODE_PAGE, {"code": code_in(mails()[0])})):
        assert response.status_code == 302
    assert now_under(carol)[0] == "carol@example.org"


def test_code_for_a_new_password_ends_with_the_address_it_was_sent_to(
    carol: User, sure: Client, mails: Mails
) -> None:
    """Whoever still reads the old mailbox asked for it before."""
    reader = Client()
    reader.post("/accounts/password/reset/", {"email": carol.email})
    code = code_in(mails()[-1])
    sure.post(PAGE, {"email": NEW})
    sure.post(CODE_PAGE, {"code": code_in(mails()[-1])})
    assert now_under(carol)[0] == NEW

    answer = reader.post("/accounts/password/reset/confirm/", {"code": code})

    assertRedirects(answer, "/accounts/password/reset/")
    carol.refresh_from_db()
    assert carol.check_password(PASSWORD)


def test_new_password_is_set_under_the_address_its_code_was_sent_to(
    carol: User, sure: Client, mails: Mails
) -> None:
    reader = Client()
    may_set_password(reader, carol, mails)
    sure.post(PAGE, {"email": NEW})
    sure.post(CODE_PAGE, {"code": code_in(mails()[-1])})

    reader.post(SET_PAGE, {"password1": "another quiet harbour"})

    carol.refresh_from_db()
    assert carol.check_password(PASSWORD)
