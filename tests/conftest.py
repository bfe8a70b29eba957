import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.conf import settings as django_settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command
from django.db import connection
from django.test import Client as PlainClient
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import User
from vault.sessions import cookie_for, key_in

PASSWORD = "quiet harbour 42"

Statements = Callable[[], AbstractContextManager[list[str]]]


# The same examples each time, and no clock in them.
hypothesis.settings.register_profile("suite", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("suite")


def pytest_configure(config: pytest.Config) -> None:
    """The suite serves files as production does: collected, hashed, from a folder of its own."""
    config.addinivalue_line("markers", "browser: drives a real browser")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where no browser can be had, `./dev test` says so; CI fails instead of coming here."""
    if os.environ.get("PAPER_BOAT_NO_BROWSER"):
        no_browser = pytest.mark.skip(reason="NOT RUN: there is no Chromium here")
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(no_browser)


@pytest.fixture(scope="session", autouse=True)
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("static")
    django_settings.STATIC_ROOT = folder / "files"
    django_settings.PAGES_ROOT = folder / "pages"
    call_command("collectstatic", interactive=False, verbosity=0)
    return folder


class Client(PlainClient):
    """Django's client, with the session's cookie signed as the product signs it."""

    @property
    def session(self) -> SessionStore:
        name = django_settings.SESSION_COOKIE_NAME
        cookie = self.cookies.get(name)
        if key := key_in(cookie.value if cookie else None):
            return SessionStore(key)
        session = SessionStore()
        session.save()
        assert session.session_key
        self.cookies[name] = cookie_for(session.session_key)
        return session

    def _login(self, user: User, backend: str | None = None) -> None:
        super()._login(user, backend)  # type: ignore[misc]
        name = django_settings.SESSION_COOKIE_NAME
        self.cookies[name] = cookie_for(self.cookies[name].value)


@pytest.fixture
def client() -> Client:
    """Somebody who is not signed in."""
    return Client()


class Quick(PBKDF2PasswordHasher):
    """Argon2 takes a tenth of a second and 100 MiB each time, which is its point but not ours."""

    algorithm = "quick"
    iterations = 1
    times = 0

    def encode(self, *args: Any, **kwargs: Any) -> str:
        Quick.times += 1
        return super().encode(*args, **kwargs)


@pytest.fixture(autouse=True)
def quick_passwords(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = [f"{__name__}.Quick"]


@pytest.fixture
def now() -> datetime:
    """A Thursday evening."""
    return datetime(2026, 3, 12, 20, 14, tzinfo=UTC)


@pytest.fixture
def alice(db: None) -> User:
    """The person whom the test is about."""
    return User.objects.create_user("alice@example.org", PASSWORD)


@pytest.fixture
def bob(db: None) -> User:
    """Another person, who must never see what is Alice's."""
    return User.objects.create_user("bob@example.org", PASSWORD)


@pytest.fixture
def as_alice(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def as_bob(bob: User) -> Client:
    client = Client()
    client.force_login(bob)
    return client


@pytest.fixture
def statements(db: None) -> Statements:
    """Collects the SQL statements of a block; commands of the transaction itself do not count."""

    @contextmanager
    def collect() -> Iterator[list[str]]:
        found: list[str] = []
        with CaptureQueriesContext(connection) as captured:
            yield found
            found += [
                query["sql"]
                for query in captured.captured_queries
                if not query["sql"].startswith(("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT"))
            ]

    return collect
