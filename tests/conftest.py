import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import hypothesis
import pytest
from django.conf import settings as django_settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.management import call_command
from django.db import connections
from django.test import Client as PlainClient
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoDbBlocker, Settings
from whitenoise import WhiteNoise
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from accounts.allauth_internals import totp
from accounts.models import User
from vault.sessions import SessionStore, cookie_for, key_in

# Fixtures that several folders use.
pytest_plugins = ["tests.support.environment"]

PASSWORD = "quiet harbour 42"
ALL = ["default", "cache"]

Statements = Callable[[], AbstractContextManager[list[str]]]


# The same examples each time, and no clock in them.
hypothesis.settings.register_profile("suite", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("suite")


def pytest_configure(config: pytest.Config) -> None:
    """The suite serves files as production does: collected, hashed, from a folder of its own."""
    config.addinivalue_line("markers", "browser: drives a real browser")
    config.addinivalue_line("markers", "last: looks at what all the others left")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        _open_both_lines(item)
    _leave_browsers_out(items)
    _leave_the_last_out(items)
    items.sort(key=lambda item: (item.get_closest_marker("last") is not None, _turn(item.nodeid)))


# What takes longest, first: whoever begins it last keeps everybody waiting. A folder is one piece,
# since its tests share one running house.
LONGEST = ["tests/faults/", "tests/journeys/", "tests/safety/test_leaving_in_chromium.py"]


def _turn(nodeid: str) -> int:
    return next((turn for turn, name in enumerate(LONGEST) if nodeid.startswith(name)), 99)


class ByHouse(LoadFileScheduling):
    """Shares the suite out between processes, file by file, with a whole folder as one piece where
    its tests share a house. In the order of the items, where others would count the tests."""

    def _split_scope(self, nodeid: str) -> str:
        folders = (name for name in LONGEST if name.endswith("/") and nodeid.startswith(name))
        return next(folders, super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByHouse:
    config.option.loadscopereorder = False
    return ByHouse(config, log)


def _open_both_lines(item: pytest.Item) -> None:
    """Whoever may use the database may use it by the cache's connection too."""
    marker = item.get_closest_marker("django_db")
    fixtures = getattr(item, "fixturenames", ())
    if marker or {"db", "transactional_db"} & set(fixtures):
        kept = marker.kwargs if marker else {}
        slow = {"transaction": True} if "transactional_db" in fixtures else {}
        item.add_marker(pytest.mark.django_db(**kept | slow | {"databases": ALL}), append=False)


def _leave_browsers_out(items: list[pytest.Item]) -> None:
    """Where no browser can be had, `./dev test` says so; CI fails instead of coming here."""
    if os.environ.get("PAPER_BOAT_NO_BROWSER"):
        no_browser = pytest.mark.skip(reason="NOT RUN: there is no Chromium here")
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(no_browser)


def _leave_the_last_out(items: list[pytest.Item]) -> None:
    """Who shares the suite with others cannot know when they are done; `./dev test` does."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        early = pytest.mark.skip(reason="NOT RUN: others may still be at work")
        for item in items:
            if item.get_closest_marker("last"):
                item.add_marker(early)


def folder_of_the_run() -> Path | None:
    """Where the servers of `./dev test` keep their data and logs, with every temporary file in it.
    None on servers that were running before."""
    own = Path(tempfile.gettempdir()).parent
    return own if own.name.startswith("paper-boat-") else None


@pytest.fixture(scope="session", autouse=True)
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("static")
    django_settings.STATIC_ROOT = folder / "files"
    django_settings.PAGES_ROOT = folder / "pages"
    call_command("collectstatic", interactive=False, verbosity=0)
    return folder


@pytest.fixture(scope="session", autouse=True)
def looked_at_once(collected: Path) -> Iterator[None]:
    """Every client has a WhiteNoise of its own, which looks at each of the collected files before
    it answers. They stay as they are for the whole run, so one look is enough."""
    found: dict[str, dict[str, Any]] = {}
    look = WhiteNoise.update_files_dictionary

    def once(self: WhiteNoise, root: str, prefix: str) -> None:
        if Path(root) != collected / "files":
            return look(self, root, prefix)
        if prefix not in found:
            others, self.files = self.files, {}
            look(self, root, prefix)
            found[prefix], self.files = self.files, others
        self.files |= found[prefix]
        return None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoise, "update_files_dictionary", once)
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The database is dropped behind the last test, so nobody may be in it any more: neither the
    cache's connection nor a thread of a site that a test has run."""
    yield
    with django_db_blocker.unblock():
        connections["cache"].close()
        with connections["default"].cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


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


@dataclass
class AppClock:
    """Stands in for the module `time` where the codes of an app are made and looked at."""

    at: int = 1_773_346_440

    def time(self) -> int:
        return self.at


@pytest.fixture(autouse=True)
def app_clock(monkeypatch: pytest.MonkeyPatch) -> AppClock:
    """A code is good for half a minute, and none ends between showing a code and sending it."""
    clock = AppClock()
    monkeypatch.setattr(totp, "time", clock)
    return clock


@pytest.fixture
def now() -> datetime:
    """A Thursday evening."""
    return datetime(2026, 3, 12, 20, 14, tzinfo=UTC)


def _somebody(name: str) -> User:
    """What hangs on a person's id, such as the minute of a note, is the same in every run."""
    address = f"{name}@example.org"
    return User.objects.create_user(address, PASSWORD, pk=uuid5(NAMESPACE_URL, address))


@pytest.fixture
def alice(db: None) -> User:
    """The person whom the test is about."""
    return _somebody("alice")


@pytest.fixture
def bob(db: None) -> User:
    """Another person, who must never see what is Alice's."""
    return _somebody("bob")


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
def database_down(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Nobody listens where the database was."""
    where = connections["default"].settings_dict
    kept = {name: where[name] for name in ("HOST", "PORT")}
    with django_db_blocker.unblock():
        connections["default"].close()
        where.update(HOST="127.0.0.1", PORT="1")
        yield
        connections["default"].close()
        where.update(kept)


@pytest.fixture
def statements(db: None) -> Statements:
    """Collects the SQL statements of a block; commands of the transaction itself do not count."""

    @contextmanager
    def collect() -> Iterator[list[str]]:
        found: list[str] = []
        with (
            CaptureQueriesContext(connections["default"]) as captured,
            CaptureQueriesContext(connections["cache"]) as counted,
        ):
            yield found
            found += [
                query["sql"]
                for query in captured.captured_queries + counted.captured_queries
                if not query["sql"].startswith(("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT"))
            ]

    return collect
