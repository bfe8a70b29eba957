import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connections

from accounts.actions import open_account
from accounts.models import User
from tests.support.accounts import Later, Mails, Typed, sign_in, waiting_mails
from tests.support.client import PASSWORD, Client
from tests.support.second_factors import reauthenticate, record_second_factor_proof


@pytest.fixture
def mails(db: None) -> Mails:
    return waiting_mails


@pytest.fixture
def fresh_limits(request: pytest.FixtureRequest, db: None) -> Iterator[None]:
    """Rate limits count per client and mailbox, which are the same ones in every test."""
    if request.node.get_closest_marker("browser"):
        # In a browser test nothing would close the cache connection of this thread.
        yield
        return
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def carol(db: None) -> User:
    """A person with a verified address, who signed up a while ago."""
    now = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
    carol = open_account(email="carol@example.org", password=PASSWORD, now=now)
    carol.record_safety_shown(now=now)
    return carol


@pytest.fixture
def as_carol(carol: User) -> Client:
    """Carol's browser, signed in by her password."""
    client = Client()
    assert sign_in(client, carol.email).status_code == 302
    return client


@pytest.fixture
def proved_carol(as_carol: Client) -> Client:
    """Carol's browser after recent proofs by password and second factor."""
    reauthenticate(as_carol)
    record_second_factor_proof(as_carol)
    return as_carol


@pytest.fixture
def later() -> Iterator[Later]:
    """Run a function in a thread, on a database connection of its own."""

    def do(what: Callable[..., Any], *args: Any, **more: Any) -> Any:
        try:
            return what(*args, **more)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        yield lambda what, *args, **more: pool.submit(do, what, *args, **more)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch) -> Typed:
    """Set standard input to this text, as from a file."""
    return lambda words="": monkeypatch.setattr("sys.stdin", io.StringIO(words))


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Typed:
    """Answer the prompts of a terminal: visible answers, and passwords."""

    def typed(*answers: str, passwords: tuple[str, ...] = ()) -> None:
        hidden = iter(passwords)
        monkeypatch.setattr("sys.stdin", Terminal("".join(f"{answer}\n" for answer in answers)))
        monkeypatch.setattr("getpass.getpass", lambda prompt: next(hidden))

    return typed
