"""An operator's account, created at a terminal before mail works."""

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command
from django.db.models.signals import pre_save
from pytest_django import Settings

from accounts.models import User
from mail.models import Message
from tests.support.accounts import (
    CANNOT_BE_WRITTEN,
    READ_AS_ANOTHER,
    TOO_LONG_IN_LOWERCASE,
    Typed,
    sign_in,
)
from tests.support.client import PASSWORD, Client

ADDRESS = "olga@example.org"
NEW = "another quiet harbour"

pytestmark = pytest.mark.django_db


def is_operator(email: str = ADDRESS) -> bool:
    person = User.objects.get(email=email)
    address = EmailAddress.objects.get(user=person, email=email)
    flags = (person.is_staff, person.is_superuser, person.is_active)
    return all((*flags, address.verified, address.primary))


def test_operator_is_made_without_any_mail_and_signs_in(client: Client, piped: Typed) -> None:
    piped(f"{PASSWORD}\n")

    call_command("create_operator", email="Olga@Example.org ")

    assert is_operator()
    assert not Message.objects.exists()
    assert sign_in(client, ADDRESS).status_code == 302
    assert client.session["_auth_user_id"] == str(User.objects.get().pk)


def test_operator_is_asked_for_address_and_password(
    typed: Typed, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(ADDRESS, passwords=("12345", PASSWORD, "a slip", PASSWORD, PASSWORD))

    call_command("create_operator")

    output = capsys.readouterr()
    assert is_operator()
    assert "Use at least 10 characters. A short sentence works well." in output.err
    assert "These two differ. Try again." in output.err
    assert PASSWORD not in output.out + output.err


def test_operator_is_told_what_comes_next(
    piped: Typed, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.SITE_URL = "https://notes.example.org"
    piped(f"{PASSWORD}\n")

    call_command("create_operator", email=ADDRESS)

    output = capsys.readouterr().out
    assert "https://notes.example.org/accounts/login/" in output
    assert "two-step sign-in" in output
    assert "https://notes.example.org/admin/" in output


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "Choose a password."),
        ("too short", "At least 10 characters|at least 10 characters"),
        ("password1234", "Many people use this one"),
        ("olga@example.org", "very close to your email address"),
        ("7316549820", "Digits alone"),
        ("x" * 129, "at most 128"),
    ],
)
def test_password_is_held_to_what_the_pages_ask(piped: Typed, password: str, why: str) -> None:
    piped(f"{password}\n")

    with pytest.raises(CommandError, match=why):
        call_command("create_operator", email=ADDRESS)

    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("email", "why"),
    [
        ("olga", "does not look like an email address"),
        (TOO_LONG_IN_LOWERCASE, "longer than an email address"),
        (CANNOT_BE_WRITTEN[0], "does not look like an email address"),
        (READ_AS_ANOTHER[0], "does not look like an email address"),
    ],
)
def test_what_is_no_address_is_refused(piped: Typed, email: str, why: str) -> None:
    piped(f"{PASSWORD}\n")

    with pytest.raises(CommandError, match=why):
        call_command("create_operator", email=email)

    assert not User.objects.exists()


def test_without_a_terminal_the_address_has_to_be_said(piped: Typed) -> None:
    piped(f"{PASSWORD}\n")

    with pytest.raises(CommandError, match="--email"):
        call_command("create_operator")


def test_password_is_never_an_argument() -> None:
    with pytest.raises(CommandError, match="unrecognized arguments"):
        call_command("create_operator", "--email", ADDRESS, "--password", PASSWORD)


def test_it_is_safe_to_run_twice(piped: Typed, capsys: pytest.CaptureFixture[str]) -> None:
    piped(f"{PASSWORD}\n")
    call_command("create_operator", email=ADDRESS)
    before = User.objects.values().get()

    piped(f"{NEW}\n")
    call_command("create_operator", email=ADDRESS)

    assert User.objects.values().get() == before
    assert "already. Nothing was changed." in capsys.readouterr().out


def test_error_midway_leaves_no_account(piped: Typed) -> None:
    def break_the_second(instance: User, **_: Any) -> None:
        if not instance._state.adding:
            raise RuntimeError

    piped(f"{PASSWORD}\n")
    pre_save.connect(break_the_second, sender=User)
    try:
        with pytest.raises(RuntimeError):
            call_command("create_operator", email=ADDRESS)
    finally:
        pre_save.disconnect(break_the_second, sender=User)

    assert not User.objects.exists()


def test_account_that_is_there_is_left_alone_unless_it_is_said(carol: User, piped: Typed) -> None:
    piped()

    with pytest.raises(CommandError, match="--promote"):
        call_command("create_operator", email=carol.email)

    carol.refresh_from_db()
    assert not carol.is_staff


@pytest.mark.parametrize(("answer", "promoted"), [("y", True), ("n", False), ("", False)])
def test_account_that_is_there_is_asked_about(
    carol: User, typed: Typed, answer: str, promoted: bool
) -> None:
    typed(answer)

    try:
        call_command("create_operator", email=carol.email)
    except CommandError:
        assert not promoted

    carol.refresh_from_db()
    assert carol.is_superuser is promoted


def test_promoted_account_keeps_its_password(client: Client, carol: User, piped: Typed) -> None:
    User.objects.update(is_active=False)
    piped()

    call_command("create_operator", email=carol.email, promote=True)

    assert is_operator(carol.email)
    assert sign_in(client, carol.email).status_code == 302


def test_unverified_account_with_the_address_does_not_keep_its_password(
    client: Client, piped: Typed
) -> None:
    """Anybody can sign up with an operator's address; that account is unverified."""
    stranger = User.objects.create_user(ADDRESS, PASSWORD)
    EmailAddress.objects.create(user=stranger, email=ADDRESS, verified=False, primary=True)
    piped(f"{NEW}\n")

    call_command("create_operator", email=ADDRESS, promote=True)

    assert is_operator()
    person = User.objects.get()
    assert person.check_password(NEW)
    assert not person.check_password(PASSWORD)
