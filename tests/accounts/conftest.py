import io
import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from django.core.cache import cache
from django.db import connections

from accounts.actions import open_account
from accounts.models import User
from mail.emails import OneLineMail, build_from_payload
from mail.models import Message
from tests.conftest import PASSWORD, Client
from tests.support.second_factors import note_shown, prove_again

EVENING = datetime(2026, 3, 12, 20, 14, tzinfo=UTC)
RESET = "/accounts/password/reset/"
SET_PAGE = f"{RESET}complete/"
# An address that is short enough, but for a sign that is two in small letters.
GROWS = "dana@" + "İ" * 30 + ("." + "a" * 60) * 3 + ".example.org"


Mails = Callable[[], list[OneLineMail]]
Typed = Callable[..., None]
Later = Callable[..., "Future[Any]"]


@pytest.fixture
def mails(db: None) -> Mails:
    """Every mail that waits to be sent, oldest first, opened."""

    def waiting() -> list[OneLineMail]:
        return [build_from_payload(row) for row in Message.objects.order_by("created_at", "pk")]

    return waiting


@pytest.fixture
def fresh_limits(request: pytest.FixtureRequest, db: None) -> Iterator[None]:
    """Tries are counted per client and mailbox, and every test comes with the same ones."""
    if request.node.get_closest_marker("browser"):
        # Beside a browser, a second connection of this thread would never be closed.
        yield
        return
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def carol(db: None) -> User:
    """A person who signed up and confirmed her address a while ago."""
    now = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
    carol = open_account(email="carol@example.org", password=PASSWORD, now=now)
    carol.was_shown_safety(now=now)
    return carol


@pytest.fixture
def as_carol(carol: User) -> Client:
    """A browser in which she signed in with her password."""
    client = Client()
    assert sign_in(client, carol.email).status_code == 302
    return client


@pytest.fixture
def sure(as_carol: Client) -> Client:
    """Carol's browser, in which she has shown a moment ago whatever she is asked for."""
    prove_again(as_carol)
    note_shown(as_carol)
    return as_carol


@pytest.fixture
def later() -> Iterator[Later]:
    """Does something on a connection of its own."""

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
    """What comes by standard input, as from a file."""
    return lambda words="": monkeypatch.setattr("sys.stdin", io.StringIO(words))


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Typed:
    """What somebody types at a terminal: answers that show, and passwords that do not."""

    def typed(*answers: str, passwords: tuple[str, ...] = ()) -> None:
        hidden = iter(passwords)
        monkeypatch.setattr("sys.stdin", Terminal("".join(f"{answer}\n" for answer in answers)))
        monkeypatch.setattr("getpass.getpass", lambda prompt: next(hidden))

    return typed


def code_in(mail: OneLineMail) -> str:
    found = re.search(r"^This is the code: (\d{8})$", str(mail.body), re.MULTILINE)
    assert found, mail.body
    return found[1]


def sign_up(client: Client, email: str = "dana@example.org", **changes: str) -> Any:
    data = {"email": email, "password1": PASSWORD, "consent": "on"} | changes
    return client.post("/accounts/signup/", {name: value for name, value in data.items() if value})


def sign_in(client: Client, email: str, password: str = PASSWORD, **more: str) -> Any:
    return client.post("/accounts/login/", {"login": email, "password": password} | more)


def may_set_password(client: Client, person: User, mails: Mails) -> None:
    """The code from the mail has come back in this browser; the new password has not."""
    client.post(RESET, {"email": person.email})
    answer = client.post(f"{RESET}confirm/", {"code": code_in(mails()[-1])})
    assert answer.headers["Location"] == SET_PAGE


def by_way_of_safety(onward: str) -> str:
    """Where a first sign-in leads to, and then on."""
    return f"/accounts/first/?next={quote(onward, safe='')}"


def seen(response: Any, *own: str) -> str:
    """The page as text, without what differs each time: the token, and the address it names."""
    page = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", response.content.decode())
    for word in own:
        page = page.replace(word, "…")
    return page
