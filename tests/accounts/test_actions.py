from datetime import timedelta
from typing import Any

import pytest

from accounts.actions import choose_name, save_preferences
from accounts.erasure import erase
from accounts.models import Profile, User
from accounts.sessions.actions import end_sessions
from tests.support.accounts import EVENING
from tests.support.client import Client
from tests.support.database import Statements
from vault.sealing import CannotOpen
from vault.sessions import Session


def stored_name(person: User) -> str:
    return User.objects.get(pk=person.pk).preferred_name


def test_name_is_chosen_changed_and_deleted(alice: User, bob: User) -> None:
    choose_name(person=bob, name="Bo", now=EVENING)
    choose_name(person=alice, name="Ali", now=EVENING)
    assert (alice.preferred_name, stored_name(alice)) == ("Ali", "Ali")

    choose_name(person=alice, name="Älice 🌊", now=EVENING + timedelta(days=1))
    assert (alice.preferred_name, stored_name(alice)) == ("Älice 🌊", "Älice 🌊")
    profile = Profile.objects.of(alice).get()
    assert (profile.created_at, profile.changed_at) == (EVENING, EVENING + timedelta(days=1))

    choose_name(person=alice, name="", now=EVENING)
    assert (alice.preferred_name, stored_name(alice)) == ("", "")
    assert not Profile.objects.of(alice).exists()
    assert stored_name(bob) == "Bo"


def test_unreadable_name_is_not_overwritten(alice: User) -> None:
    choose_name(person=alice, name="Ali", now=EVENING)
    Profile.objects.of(alice).update(sealed=b"\1damaged")

    for name in ("Lis", ""):
        with pytest.raises(CannotOpen):
            save_preferences(
                person=alice, name=name, language="de", checks_spelling=True, now=EVENING
            )

    assert bytes(Profile.objects.of(alice).get().sealed) == b"\1damaged"
    assert User.objects.get(pk=alice.pk).language == "en"


def test_preferences_are_saved_together(alice: User) -> None:
    save_preferences(person=alice, name="Ali", language="de", checks_spelling=True, now=EVENING)

    stored = User.objects.get(pk=alice.pk)
    assert (stored.preferred_name, stored.language) == ("Ali", "de")
    assert stored.checks_spelling


@pytest.fixture
def waiting(carol: User) -> Any:
    """The session in which a code for Carol is pending; it expires now."""
    Client().post("/accounts/password/reset/", {"email": carol.email})
    Session.objects.update(expire_date=EVENING)
    return Session.objects.anonymous()


def test_ending_sessions_decrypts_none_of_them(
    carol: User, waiting: Any, statements: Statements
) -> None:
    """There may be very many sessions of visitors, and a person waits for the response."""
    with statements() as found:
        end_sessions(person=carol, except_key=None, now=EVENING)

    assert waiting.exists()
    assert not [asked for asked in found if "session_data" in asked]
    assert User.objects.get(pk=carol.pk).began_anew_at == EVENING


def test_erasing_deletes_an_expired_code_too(carol: User, waiting: Any) -> None:
    erase(person=carol, now=EVENING)

    assert not waiting.exists()
