"""Which of the web server's threads run what: those for help and files never ask the database."""

from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, closing
from io import BytesIO
from threading import Event, current_thread
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment
from wsgiref.util import setup_testing_defaults

import pytest
from django.conf import settings
from django.templatetags.static import static
from pytest_django import Settings

from config.reserved_threads import MAX_WAITING_FOR_FILES, RESERVED_THREADS, ReservedThreads
from tests.support.client import Client
from tests.support.database import Statements
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.usefixtures("collected")

FILES = ("/help", "/help/", "/help/gb/", "/help/nowhere/", "/help/x/y", "/healthz", "/static/no")
PAGES = ("/healthz/", "/healthz/x/", "/healthzz", "/static", "/helpful/", "/readyz", "/", "//help/")


class Unread(BytesIO):
    """A body that nobody may wait for."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise AssertionError("the body was read")


def thread_name(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    """Answer with the group of threads this runs in, and with the body."""
    start_response("200 OK", [])
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    return [current_thread().name.partition("_")[0].encode(), b" ", body]


def asked(threads: ReservedThreads, path: str, **more: Any) -> tuple[str, bytes]:
    """The status and the body of an answer."""
    environ: WSGIEnvironment = {"PATH_INFO": path, **more}
    setup_testing_defaults(environ)
    said: list[str] = []

    def start_response(status: str, headers: object, exc_info: object = None) -> Any:
        said.append(status)

    answer = threads(environ, start_response)
    return said[0], b"".join(answer)


@pytest.mark.parametrize("path", [*FILES, static("js/leave.js")])
def test_files_and_help_have_their_own_threads_and_ask_no_database(
    as_alice: Client, statements: Statements, path: str
) -> None:
    assert asked(ReservedThreads(thread_name, threads=1), path) == ("200 OK", b"files ")

    with statements() as found, closing(as_alice.get(path)) as page:
        assert page.status_code < 500
        assert as_alice.post(path, {"csrfmiddlewaretoken": "x"}).status_code in {404, 405}

    assert found == []


@pytest.mark.parametrize("path", PAGES)
def test_what_only_looks_like_a_file_is_a_page(path: str) -> None:
    assert asked(ReservedThreads(thread_name, threads=1), path) == ("200 OK", b"pages ")


def test_help_that_was_not_rendered_is_a_page(settings: Settings) -> None:
    settings.PAGES_ROOT = "/nowhere"

    threads = ReservedThreads(thread_name, threads=1)

    assert asked(threads, "/help/gb/") == ("200 OK", b"pages ")
    assert asked(threads, "/healthz") == ("200 OK", b"files ")


@pytest.mark.parametrize(
    ("path", "group"), [("/healthz", b"files "), ("/help/gb/", b"files "), ("/leave/", b"leaving ")]
)
def test_bodies_are_not_read_where_nothing_needs_one(path: str, group: bytes) -> None:
    sent = {"wsgi.input": Unread(), "CONTENT_LENGTH": str(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)}

    answer = asked(ReservedThreads(thread_name, threads=1), path, REQUEST_METHOD="POST", **sent)

    assert answer == ("200 OK", group)


def test_only_so_many_wait_for_files() -> None:
    """More are refused without a thread, but for who leaves."""
    go_on = Event()

    def waiting(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        assert go_on.wait(PATIENCE)
        return thread_name(environ, start_response)

    threads = ReservedThreads(waiting, threads=1)
    most = RESERVED_THREADS + MAX_WAITING_FOR_FILES
    with ThreadPoolExecutor(most + 1) as clients, ExitStack() as stack:
        stack.callback(go_on.set)
        answers = [clients.submit(asked, threads, "/help/gb/") for _ in range(most + 1)]
        # Only the one that found no room has an answer.
        refused = next(as_completed(answers, PATIENCE))
        assert refused.result() == ("503 Service Unavailable", b"")
        assert sum(each.done() for each in answers) == 1
    others = [each.result() for each in answers if each is not refused]
    assert others == [("200 OK", b"files ")] * most
    assert asked(threads, "/leave/") == ("200 OK", b"leaving ")
