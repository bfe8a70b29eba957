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
CODE_PAGE = f"{RESET}confirm/"
# An address that is short enough until it is lowercased: one of its characters becomes two.
TOO_LONG_IN_LOWERCASE = "dana@" + "İ" * 30 + ("." + "a" * 60) * 3 + ".example.org"


Mails = Callable[[], list[OneLineMail]]
Typed = Callable[..., None]
Later = Callable[..., "Future[Any]"]


@pytest.fixture
def mails(db: None) -> Mails:
    """Return every mail in the outbox, decrypted, oldest first."""

    def waiting() -> list[OneLineMail]:
        return [build_from_payload(row) for row in Message.objects.order_by("created_at", "pk")]

    return waiting


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
    prove_again(as_carol)
    note_shown(as_carol)
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


def code_in(mail: OneLineMail) -> str:
    found = re.search(r"^This is the code: (\d{8})$", str(mail.body), re.MULTILINE)
    assert found, mail.body
    return found[1]


def sign_up(client: Client, email: str = "dana@example.org", **changes: str) -> Any:
    data = {"email": email, "password1": PASSWORD, "consent": "on"} | changes
    return client.post("/accounts/signup/", {name: value for name, value in data.items() if value})


def sign_in(client: Client, email: str, password: str = PASSWORD, **more: str) -> Any:
    return client.post("/accounts/login/", {"login": email, "password": password} | more)


def confirm_reset_code(client: Client, person: User, mails: Mails) -> None:
    """Enter the code of a password reset, up to the page for the new password."""
    client.post(RESET, {"email": person.email})
    answer = client.post(f"{RESET}confirm/", {"code": code_in(mails()[-1])})
    assert answer.headers["Location"] == SET_PAGE


def first_visit_url(onward: str) -> str:
    """The URL a first sign-in redirects to before `onward`."""
    return f"/accounts/first/?next={quote(onward, safe='')}"


def page_text(response: Any, *own: str) -> str:
    """The page as text, without its CSRF token and without the words in `own`."""
    page = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", response.content.decode())
    for word in own:
        page = page.replace(word, "…")
    return page


NOT_OURS = re.compile(
    r"Sign In|Sign Up|Sign Out|Signup|Log ?in|E-?mail Address|Verification|Password Reset"
    r"|Re-send|Confirm |example\.com|localhost|testserver|successfully",
)


def check_page(page: str) -> None:
    title = re.search(r"<title>(.*?)</title>", page)
    assert title
    assert re.fullmatch(r"[A-Z][a-z ]+ – Notes", title[1]), title[1]
    main = page[page.index("<main") : page.index("</main>")]
    assert not NOT_OURS.search(main), NOT_OURS.search(main)
    assert main.count("<h1>") == 1
    assert main.count("<form") == main.count("novalidate")
    assert main.count('method="post"') == main.count('name="csrfmiddlewaretoken"')
    assert "placeholder" not in main
    assert "style=" not in page
    for field in re.findall(r"<input[^>]+>", main):
        assert 'type="hidden"' in field or 'type="checkbox"' in field or "autocomplete=" in field
