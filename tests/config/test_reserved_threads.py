"""Help and leaving answer while slow clients and heavy pages hold all they can hold of the real web
server."""

import socket
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from select import select

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.templatetags.static import static
from gunicorn.config import Config
from pytest_django import DjangoDbBlocker

from accounts.models import User
from config.gunicorn_worker import CLIENT_TIMEOUT, Worker
from config.reserved_threads import MAX_WAITING, RESERVED_THREADS
from safety.leaving import left_cookie_name
from tests.support.gunicorn_server import Web, committed_person
from tests.support.letters import a_draft, bodies
from tests.support.waiting import PATIENCE, wait_for
from vault.sessions import LOCKED_AT, Session

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOST = b"Host: localhost:8000\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
CLOSE = b"Connection: close\r\n\r\n"
# WEB.command has four threads.
THREADS = 4
WAITING_FOR_LOCKS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""

LOCK_LETTERS = "LOCK TABLE journal_letter IN ACCESS EXCLUSIVE MODE"

pytestmark = pytest.mark.usefixtures("transactional_db")


@dataclass(frozen=True)
class Visitor:
    """One connection to the web server."""

    socket: socket.socket

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def read_some(self) -> bytes:
        return self.socket.recv(64)

    def read_all(self) -> bytes:
        """Read until the server closes."""
        found = b""
        while more := self.socket.recv(65536):
            found += more
        return found


@contextmanager
def visitor(web: Web, data: bytes, *, slow: bool = False) -> Iterator[Visitor]:
    """Connect and send. A slow one takes little at a time of what the server sends."""
    with socket.socket() as connected:
        connected.settimeout(PATIENCE)
        if slow:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        connected.connect(("127.0.0.1", web.port))
        connected.sendall(data)
        yield Visitor(connected)


def get(path: str, cookie: bytes = b"") -> bytes:
    return f"GET {path} HTTP/1.1\r\n".encode() + HOST + cookie + CLOSE


def ask(web: Web, path: str, cookie: bytes = b"") -> bytes:
    with visitor(web, get(path, cookie)) as asking:
        return asking.read_all()


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def unfinished_post(web: Web) -> AbstractContextManager[Visitor]:
    """A POST of which half has been sent, to a server that waits for the rest."""
    head = b"POST /accounts/login/ HTTP/1.1\r\n" + HOST + FORM + b"Content-Length: 20\r\n"
    return visitor(web, head + b"Expect: 100-continue\r\n" + CLOSE + b"login=half")


def assert_way_out_is_open(web: Web, leaving: bytes) -> None:
    assert status(ask(web, "/healthz")) == 200
    assert b"emergency" in ask(web, "/help/gb/").lower()
    assert status(ask(web, static("js/leave.js"))) == 200
    left = ask(web, "/leave/", leaving)
    assert status(left) == 303
    assert f"Location: {settings.LEAVE_URL}".encode() in left


@pytest.fixture
def person_cookie(web_server: Web, django_db_blocker: DjangoDbBlocker) -> Iterator[bytes]:
    with committed_person("alice@example.org", django_db_blocker) as value:
        yield f"Cookie: {settings.SESSION_COOKIE_NAME}={value}\r\n".encode()


@pytest.mark.parametrize("count", [12, 40])
def test_unfinished_posts_hold_nobody_up(web_server: Web, person_cookie: bytes, count: int) -> None:
    with ExitStack() as stack:
        posts = [stack.enter_context(unfinished_post(web_server)) for _ in range(count)]
        for post in posts:
            # Sent once a thread reads the body.
            assert b"100 Continue" in post.read_some()

        assert_way_out_is_open(web_server, person_cookie)
        assert status(ask(web_server, "/accounts/login/")) == 200
        for post in posts:
            post.send(b"&password=")
            assert status(post.read_all()) == 403


def test_unfinished_headers_hold_nobody_up(web_server: Web, person_cookie: bytes) -> None:
    with ExitStack() as stack:
        heads = [stack.enter_context(visitor(web_server, b"GET / HTTP/1.1\r\n")) for _ in range(40)]

        assert_way_out_is_open(web_server, person_cookie)
        for head in heads:
            head.send(HOST + CLOSE)
            assert status(head.read_all()) == 200


def test_slow_readers_hold_nobody_up(web_server: Web, person_cookie: bytes) -> None:
    # Escaped, it is six times as long.
    letter = a_draft(User.objects.get(), "'" * 100_000, now=NOW)
    page = get(f"/journal/{letter.pk}/edit/", person_cookie)
    with ExitStack() as stack:
        readers = [stack.enter_context(visitor(web_server, page, slow=True)) for _ in range(12)]
        for reader in readers:
            assert reader.read_some().startswith(b"HTTP/1.1 200 ")

        assert status(ask(web_server, "/today/", person_cookie)) == 200
        assert_way_out_is_open(web_server, person_cookie)


@contextmanager
def held(sql: str, *values: object) -> Iterator[None]:
    """Hold the locks of a statement until the end of the block."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)
        yield


def wait_for_waiting(count: int) -> None:
    def do_they_wait() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(WAITING_FOR_LOCKS)
            return bool(cursor.fetchone()[0] >= count)

    wait_for(do_they_wait, f"{count} sessions waiting for a lock")


def test_all_of_it_at_once_holds_nobody_up(web_server: Web, person_cookie: bytes) -> None:
    """Pages that take all threads of Django, here because the database lets them wait."""
    shelf = get("/journal/", person_cookie)
    with ExitStack() as stack:
        with held(LOCK_LETTERS):
            pages = [stack.enter_context(visitor(web_server, shelf)) for _ in range(THREADS)]
            wait_for_waiting(THREADS)
            for _ in range(40):
                post = stack.enter_context(unfinished_post(web_server))
                assert b"100 Continue" in post.read_some()
            for _ in range(12):
                stack.enter_context(visitor(web_server, b"GET / HTTP/1.1\r\n"))

            assert_way_out_is_open(web_server, person_cookie)
        for page in pages:
            assert status(page.read_all()) == 200
    assert Session.objects.get().get_decoded()[LOCKED_AT]


# --- More than can be served -----------------------------------------------------------------


def test_too_many_pages_at_once_are_asked_to_come_back(
    web_server: Web, person_cookie: bytes
) -> None:
    shelf = get("/journal/", person_cookie)
    served = THREADS + MAX_WAITING
    with ExitStack() as stack:
        with held(LOCK_LETTERS):
            pages = [stack.enter_context(visitor(web_server, shelf)) for _ in range(served + 1)]
            # Only one of them has an answer while the lock is held.
            [[refused], _, _] = select([page.socket for page in pages], [], [], PATIENCE)
            answer = Visitor(refused).read_all()
            assert status(answer) == 503
            assert b"Retry-After: 5" in answer
            assert b"default-src 'none'" in answer
            assert b"/help/" in answer

            assert_way_out_is_open(web_server, person_cookie)
        others = [page for page in pages if page.socket is not refused]
        # Some only ran after the session was locked by leaving.
        assert {status(page.read_all()) for page in others} <= {200, 302}


def test_leaving_does_not_wait_for_a_session_that_cannot_be_locked(
    web_server: Web, person_cookie: bytes
) -> None:
    leave = get("/leave/", person_cookie)
    with held("SELECT 1 FROM vault_session FOR UPDATE"), ExitStack() as stack:
        leaving = [
            stack.enter_context(visitor(web_server, leave)) for _ in range(3 * RESERVED_THREADS)
        ]
        for each in leaving:
            answer = each.read_all()
            assert status(answer) == 303
            assert f"Set-Cookie: {left_cookie_name()}=1".encode() in answer

    marked = person_cookie.rstrip() + f"; {left_cookie_name()}=1\r\n".encode()
    assert status(ask(web_server, "/today/", marked)) in {302, 403}
    assert Session.objects.get().get_decoded()[LOCKED_AT]


# --- Clients that never finish ---------------------------------------------------------------


def test_half_a_letter_replaces_nothing(web_server: Web, person_cookie: bytes) -> None:
    """The connection breaks while a long letter is being sent."""
    person = User.objects.get()
    letter = a_draft(person, "all of it", now=NOW)
    token = b"a" * 32
    cookie = person_cookie.rstrip() + f"; {settings.CSRF_COOKIE_NAME}=".encode() + token + b"\r\n"
    fields = f"id={letter.pk}&kind=them&version=1&body=half of"
    body = b"csrfmiddlewaretoken=" + token + b"&" + fields.encode()
    head = f"POST /journal/{letter.pk}/autosave/ HTTP/1.1\r\n".encode() + HOST + cookie + FORM

    answer = web_server.raw(head + b"Content-Length: 400\r\n" + CLOSE + body)

    assert status(answer) == 400
    assert bodies(person) == ["all of it"]
    whole = web_server.raw(head + f"Content-Length: {len(body)}\r\n".encode() + CLOSE + body)
    assert status(whole) == 200
    assert bodies(person) == ["half of"]


def test_clients_that_never_close_do_not_stop_the_process(web_server: Web) -> None:
    """Gunicorn would wait two seconds for each in its main loop, and be ended for being slow."""
    with ExitStack() as stack:
        open_ends = [stack.enter_context(visitor(web_server, get("/healthz"))) for _ in range(40)]
        assert {status(each.read_all()) for each in open_ends} == {200}

    assert status(ask(web_server, "/healthz")) == 200
    assert "answers too slowly" not in web_server.output.text()


def test_client_that_takes_too_long_is_disconnected(request: pytest.FixtureRequest) -> None:
    worker = Worker(0, 0, [], None, 30, Config(), None)
    request.addfinalizer(worker.tmp.close)
    slow, slow_client = socket.socketpair()
    quick, quick_client = socket.socketpair()
    with slow, slow_client, quick, quick_client:
        worker.clients = {slow: time.monotonic() - CLIENT_TIMEOUT - 1, quick: time.monotonic()}

        worker.notify()

        assert slow_client.recv(1) == b""
        quick.sendall(b"x")
        assert quick_client.recv(1) == b"x"
