from datetime import timedelta
from typing import Any

import pytest

from accounts.actions import choose_name, end_sessions, erase, keep_preferences
from accounts.models import Profile, User
from tests.accounts.conftest import EVENING
from tests.conftest import Client, Statements
from vault.sealing import CannotOpen
from vault.sessions import Session


def called(person: User) -> str:
    return User.objects.get(pk=person.pk).called


def test_name_is_chosen_changed_and_dropped(alice: User, bob: User) -> None:
    choose_name(person=bob, name="Bo", now=EVENING)
    choose_name(person=alice, name="Ali", now=EVENING)
    assert (alice.called, called(alice)) == ("Ali", "Ali")

    choose_name(person=alice, name="Älice 🌊", now=EVENING + timedelta(days=1))
    assert (alice.called, called(alice)) == ("Älice 🌊", "Älice 🌊")
    profile = Profile.objects.of(alice).get()
    assert (profile.created_at, profile.changed_at) == (EVENING, EVENING + timedelta(days=1))

    choose_name(person=alice, name="", now=EVENING)
    assert (alice.called, called(alice)) == ("", "")
    assert not Profile.objects.of(alice).exists()
    assert called(bob) == "Bo"


def test_name_that_does_not_open_is_not_written_over(alice: User) -> None:
    choose_name(person=alice, name="Ali", now=EVENING)
    Profile.objects.of(alice).update(sealed=b"\1damaged")

    for name in ("Lis", ""):
        with pytest.raises(CannotOpen):
            keep_preferences(person=alice, name=name, language="de", now=EVENING)

    assert bytes(Profile.objects.of(alice).get().sealed) == b"\1damaged"
    assert User.objects.get(pk=alice.pk).language == "en"


def test_preferences_are_kept_together(alice: User) -> None:
    keep_preferences(person=alice, name="Ali", language="de", now=EVENING)

    stored = User.objects.get(pk=alice.pk)
    assert (stored.called, stored.language) == ("Ali", "de")


@pytest.fixture
def waiting(carol: User) -> Any:
    """A code for Carol waits in this session, which ends now."""
    Client().post("/accounts/password/reset/", {"email": carol.email})
    Session.objects.update(expire_date=EVENING)
    return Session.objects.anonymous()


def test_no_session_is_looked_into_to_end_what_waits(
    carol: User, waiting: Any, statements: Statements
) -> None:
    """Somebody waits for this page, and there may be very many of strangers."""
    with statements() as found:
        end_sessions(person=carol, but=None, now=EVENING)

    assert waiting.exists()
    assert not [asked for asked in found if "session_data" in asked]
    assert User.objects.get(pk=carol.pk).began_anew_at == EVENING


def test_erasing_takes_along_a_code_that_has_run_out(carol: User, waiting: Any) -> None:
    erase(person=carol, now=EVENING)

    assert not waiting.exists()
