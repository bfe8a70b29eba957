"""An operator removes the second factor of a person who lost their phone and recovery codes."""

import io

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.mfa.actions import remove_second_factor
from accounts.models import Activity, User
from mail.models import Message
from tests.support.accounts import (
    EVENING,
    SET_PAGE,
    Mails,
    Typed,
    confirm_reset_code,
    sign_in,
)
from tests.support.client import PASSWORD, Client
from tests.support.second_factors import (
    AUTHENTICATE,
    code_of,
    give_app,
    give_passkey,
    is_signed_in,
    leave,
    start_sign_in,
)

pytestmark = pytest.mark.usefixtures("fresh_limits")

COMMAND = "remove_second_factor"
SENTENCE = "the people who run this site can turn two-step sign-in off"


def run_command(*arguments: str) -> str:
    """Run the command and return its output."""
    out = io.StringIO()
    call_command(COMMAND, *arguments, stdout=out)
    return out.getvalue()


def test_second_step_goes_with_its_codes_and_the_password_is_enough(
    carol: User, as_carol: Client, mails: Mails
) -> None:
    give_app(carol)
    give_passkey(carol)

    run_command(" Carol@Example.org", "--sure")

    assert not Authenticator.objects.filter(user=carol).exists()
    assert not is_signed_in(as_carol)
    client = Client()
    sign_in(client, carol.email)
    assert is_signed_in(client)
    notice = mails()[-1]
    assert (notice.to, notice.subject) == ([carol.email], "Your account")
    assert "signing in takes the password alone again" in str(notice.body)
    noted = Activity.objects.of(carol).filter(kind="second_factor_removed")
    assert noted.count() == 1
    assertContains(client.get("/accounts/activity/"), "Two-step sign-in turned off on request")


def test_second_step_of_nobody_else_goes(carol: User, bob: User, as_bob: Client) -> None:
    give_app(carol)
    give_app(bob)
    theirs = Authenticator.objects.filter(user=bob).count()

    run_command(carol.email, "--sure")

    assert Authenticator.objects.filter(user=bob).count() == theirs
    assert is_signed_in(as_bob)


@pytest.mark.parametrize("where", ["nobody’s", "locked by another"])
def test_pending_sign_in_has_to_start_again(carol: User, as_bob: Client, where: str) -> None:
    """An intruder with the password may have waited there for the factor to be removed."""
    give_app(carol)
    waiting = start_sign_in(carol, Client() if where == "nobody’s" else leave(as_bob))

    remove_second_factor(person=carol, now=timezone.now())

    assertRedirects(waiting.get(AUTHENTICATE), "/accounts/login/")
    assert not is_signed_in(waiting)


def test_pending_password_reset_is_invalid(carol: User, client: Client, mails: Mails) -> None:
    """An intruder who reads their mail may have started the reset."""
    give_app(carol)
    confirm_reset_code(client, carol, mails)

    remove_second_factor(person=carol, now=timezone.now())
    client.post(SET_PAGE, {"password1": "chosen by whoever reads it"})

    carol.refresh_from_db()
    assert carol.check_password(PASSWORD)


def test_second_step_can_be_set_up_again(carol: User, mails: Mails) -> None:
    give_app(carol)
    run_command(carol.email, "--sure")

    secret = give_app(carol)

    client = start_sign_in(carol)
    client.post(AUTHENTICATE, {"code": code_of(secret)})
    assert is_signed_in(client)


def test_operator_is_told_what_to_be_sure_of_before_it_is_asked(
    carol: User, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_passkey(carol)
    out = io.StringIO()
    before: list[str] = []
    typed()
    monkeypatch.setattr("builtins.input", lambda asked: before.append(out.getvalue()) or "y")

    call_command(COMMAND, carol.email, stdout=out)

    assert "joined on 5 January 2026" in before[0]
    assert "Passkey: 5 January 2026, Firefox on Android" in before[0]
    assert "Speak with them, and not by mail alone." in before[0]
    assert "their password is enough" in " ".join(before[0].split())
    assert "It is off." in out.getvalue().removeprefix(before[0])


@pytest.mark.parametrize("answer", ["n", "", "carol"])
def test_operator_who_does_not_say_yes_changes_nothing(
    carol: User, typed: Typed, answer: str
) -> None:
    give_app(carol)
    typed(answer)

    with pytest.raises(CommandError, match="Nothing was changed"):
        run_command(carol.email)

    assert Authenticator.objects.filter(user=carol).count() == 2


def test_without_a_terminal_it_has_to_be_said_that_one_is_sure(carol: User, piped: Typed) -> None:
    give_app(carol)
    piped("y\n")
    mails = Message.objects.count()

    with pytest.raises(CommandError, match="--sure"):
        run_command(carol.email)

    assert Authenticator.objects.filter(user=carol).count() == 2
    assert Message.objects.count() == mails


def test_where_there_is_nothing_to_remove_nothing_is_done(carol: User, as_carol: Client) -> None:
    for email, why in (
        ("nobody@example.org", "No account has the address nobody@example.org."),
        (
            carol.email,
            "carol@example.org does not use two-step sign-in: its password is enough already.",
        ),
    ):
        with pytest.raises(CommandError) as refused:
            run_command(email, "--sure")
        assert str(refused.value) == why

    assert not remove_second_factor(person=carol, now=EVENING)
    assert is_signed_in(as_carol)
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    ("contact", "shown"),
    [
        ("", ""),
        (
            "ask@example.org",
            '<a href="mailto:ask@example.org" rel="noreferrer">ask@example.org</a>',
        ),
    ],
)
def test_pages_about_the_second_step_say_who_can_help(
    carol: User, proved_carol: Client, settings: Settings, contact: str, shown: str
) -> None:
    settings.OPERATOR_CONTACT = contact
    give_app(carol)

    for page in (proved_carol.get("/accounts/2fa/"), start_sign_in(carol).get(AUTHENTICATE)):
        assertContains(page, SENTENCE)
        main = page.text[page.text.index("<main") : page.text.index("</main>")]
        assert shown in main
        assert ("mailto:" in main) == bool(contact)


def test_pages_that_ask_for_less_say_nothing_of_it(client: Client, db: None) -> None:
    assertNotContains(client.get("/accounts/login/"), SENTENCE)
