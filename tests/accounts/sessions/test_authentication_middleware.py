"""Names that sessions store stay: a session of an earlier release is still signed in, or locked."""

import time

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY

from accounts.models import User
from tests.support.accounts import sign_in
from tests.support.client import Client
from tests.support.second_factors import AUTHENTICATE, code_of, give_app, is_signed_in
from vault.sessions import SessionStore, cookie_for

BACKEND = "accounts.backend.Backend"

pytestmark = pytest.mark.usefixtures("fresh_limits")


def browser_with(person: User, **more: object) -> Client:
    """A browser with a session as the release of November 2026 stored it, and these keys."""
    session = SessionStore()
    session.update(
        {
            "_auth_user_id": str(person.pk),
            "_auth_user_backend": BACKEND,
            "_auth_user_hash": person.get_session_auth_hash(),
            "account_authentication_methods_user": str(person.pk),
            "began_at": time.time(),
            "device": "Firefox on Android",
            "stays": False,
        }
        | more
    )
    session.save()
    assert session.session_key
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = cookie_for(session.session_key)
    return client


def test_session_of_an_earlier_release_is_signed_in(carol: User) -> None:
    assert is_signed_in(browser_with(carol))


def test_session_that_an_earlier_release_locked_is_locked(carol: User) -> None:
    client = browser_with(carol, locked_at=time.time())

    assert client.get("/you/").headers["Location"] == "/accounts/reauthenticate/?next=%2Fyou%2F"


def test_recent_proof_of_an_earlier_release_counts(carol: User) -> None:
    proof = {"method": "password", "at": time.time(), "reauthenticated": True}
    client = browser_with(carol, account_authentication_methods=[proof])

    assert client.get("/accounts/devices/").status_code == 200


def test_session_with_the_path_of_another_backend_is_not_signed_in(carol: User) -> None:
    """Moving the backend's class would sign everybody out."""
    path = "accounts.sessions.backend.EmailBackend"

    assert not is_signed_in(browser_with(carol, _auth_user_backend=path))


def test_each_sign_in_stores_the_path_of_the_backend(client: Client, carol: User) -> None:
    sign_in(client, carol.email)
    by_password = client.session[BACKEND_SESSION_KEY]
    second = Client()
    secret = give_app(carol)
    sign_in(second, carol.email)
    second.post(AUTHENTICATE, {"code": code_of(secret)})

    assert is_signed_in(second)
    assert (by_password, second.session[BACKEND_SESSION_KEY]) == (BACKEND, BACKEND)
