"""What the WSGI application takes from a request before Django and its middleware see it."""

import sys
from collections import Counter
from io import BytesIO
from typing import Any
from wsgiref.types import WSGIEnvironment
from wsgiref.util import setup_testing_defaults

import pytest

from config.wsgi import MAX_COOKIES, application
from safety import help_pages, signed_in_cookie

# An earlier test of this process may have left its connection open, and Django looks at it.
pytestmark = [pytest.mark.usefixtures("collected"), pytest.mark.django_db]


def ask(path: str, cookies: str) -> tuple[int, bytes]:
    """The status and the page that answer a GET with this Cookie header."""
    environ: WSGIEnvironment = {
        "PATH_INFO": path,
        "HTTP_COOKIE": cookies,
        "HTTP_HOST": "localhost:8000",
        "wsgi.input": BytesIO(),
    }
    setup_testing_defaults(environ)
    statuses: list[str] = []

    def start_response(status: str, headers: object, exc_info: object = None) -> Any:
        statuses.append(status)

    page = b"".join(application(environ, start_response))
    return int(statuses[0].split()[0]), page


def calls(path: str, cookies: str) -> Counter[str]:
    """How often each function was called meanwhile."""
    counted: Counter[str] = Counter()

    def count_call(frame: Any, event: str, function: Any) -> None:
        if event == "call":
            counted[frame.f_code.co_name] += 1
        if event == "c_call":
            counted[function.__name__] += 1

    sys.setprofile(count_call)
    try:
        assert ask(path, cookies)[0] == 200
    finally:
        sys.setprofile(None)
    return counted


@pytest.mark.parametrize("escapes", [MAX_COOKIES // 2 - 10, 6000])
@pytest.mark.parametrize("path", ["/help/gb/", "/healthz"])
def test_cookie_of_escapes_is_no_work(path: str, escapes: int) -> None:
    """In Python 3.11, each escape of a quoted cookie has the rest of it searched again."""
    ask(path, "")

    plain = calls(path, f'a="{"xx" * escapes}"')
    escaped = calls(path, f'a="{chr(92)}{f"x{chr(92)}" * (escapes - 1)}x"')

    assert escaped["search"] <= plain["search"] + 2


def test_too_many_cookies_are_none() -> None:
    """Help answers all the same, as to anybody."""
    known = f"{signed_in_cookie.name()}={signed_in_cookie.VALUE}"
    room = MAX_COOKIES - len(f"{known}; a=")

    for length, signed_in in ((room, True), (room + 1, False)):
        status, page = ask("/help/gb/", f"{known}; a={'x' * length}")

        assert status == 200
        assert page == help_pages.file("/help/gb/", signed_in=signed_in).read_bytes()
