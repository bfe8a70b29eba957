"""Fixtures: the people whom tests are about, and the browsers in which they are signed in."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5

import pytest
from django.test import override_settings

from accounts.allauth_internals import totp
from accounts.models import User
from tests.support.client import PASSWORD, Client
from tests.support.quick_hasher import QuickHasher


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    hasher = f"{QuickHasher.__module__}.{QuickHasher.__name__}"
    with override_settings(PASSWORD_HASHERS=[hasher]):
        yield


@dataclass
class AppClock:
    """Stands in for the module `time` where authenticator codes are made and checked."""

    at: int = 1_773_346_440

    def time(self) -> int:
        return self.at


@pytest.fixture(autouse=True)
def app_clock(monkeypatch: pytest.MonkeyPatch) -> AppClock:
    """A code lasts 30 seconds: on a real clock it could expire between making and sending it."""
    clock = AppClock()
    monkeypatch.setattr(totp, "time", clock)
    return clock


@pytest.fixture
def now() -> datetime:
    """A Thursday evening."""
    return datetime(2026, 3, 12, 20, 14, tzinfo=UTC)


def _create_person(name: str) -> User:
    # With the same id in every run, what depends on the id (the minute of a note) is the same too.
    address = f"{name}@example.org"
    return User.objects.create_user(address, PASSWORD, pk=uuid5(NAMESPACE_URL, address))


@pytest.fixture
def alice(db: None) -> User:
    """The person whom the test is about."""
    return _create_person("alice")


@pytest.fixture
def bob(db: None) -> User:
    """Another person, who must never see what is Alice's."""
    return _create_person("bob")


@pytest.fixture
def client() -> Client:
    """A browser in which nobody is signed in."""
    return Client()


@pytest.fixture
def as_alice(alice: User) -> Client:
    return signed_in(alice)


@pytest.fixture
def as_bob(bob: User) -> Client:
    return signed_in(bob)


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client
