"""Our settings, with pages that break in the way that a request names in X-Break."""

import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.template import Context, Template

from config.settings import *  # noqa: F403
from config.settings import MIDDLEWARE as PRODUCT_MIDDLEWARE

MIDDLEWARE = [
    "tests.config.breaking.NoCsrfMiddleware",
    *PRODUCT_MIDDLEWARE,
    "tests.config.breaking.BreakMiddleware",
]

View = Callable[[HttpRequest], HttpResponse]


class NoCsrfMiddleware:
    """Skip the CSRF check, as the test client does."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        setattr(request, "_dont_enforce_csrf_checks", True)  # noqa: B010
        return self.get_response(request)


class BreakMiddleware:
    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: Any) -> HttpResponse | None:
        name = request.headers.get("X-Break")
        text = "\r\n\x1b[31m".join(
            [request.get_full_path(), str(request.POST), str(request.headers), str(request.user)]
        )
        return FAILURES[name](text) if name else None


def plain(text: str) -> None:
    secret = text  # noqa: F841 (an error report could show this variable)
    raise ValueError(text)


def chained(text: str) -> None:
    try:
        plain(text)
    except ValueError as error:
        raise RuntimeError(text) from error


def in_a_group(text: str) -> None:
    raise ExceptionGroup(text, [ValueError(text), KeyError(text)])


def unique(text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE IF NOT EXISTS texts (text text UNIQUE)")
        cursor.execute("INSERT INTO texts VALUES (left(%s, 500)), (left(%s, 500))", [text, text])


def unreadable(text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::text::uuid", [text])


def template(text: str) -> None:
    Template("{{ broken.fails }}").render(Context({"broken": Broken(text)}))


class Broken:
    def __init__(self, text: str) -> None:
        self.text = text

    @property
    def fails(self) -> str:
        raise RuntimeError(self.text)


def raising(kind: type[Exception]) -> Callable[[str], None]:
    def broken(text: str) -> None:
        raise kind(text)

    return broken


def half_way(text: str) -> HttpResponse:
    def parts() -> Iterator[str]:
        yield "begun"
        raise ValueError(text)

    return StreamingHttpResponse(parts())  # type: ignore[return-value]


def in_a_thread(text: str) -> HttpResponse:
    thread = threading.Thread(target=plain, args=(text,), name=text)
    thread.start()
    thread.join()
    return HttpResponse()


def warned(text: str) -> HttpResponse:
    warnings.warn(text, stacklevel=1)
    return HttpResponse()


FAILURES: dict[str, Callable[[str], Any]] = {
    "plain": plain,
    "chained": chained,
    "in a group": in_a_group,
    "unique": unique,
    "unreadable": unreadable,
    "template": template,
    "not found": raising(Http404),
    "forbidden": raising(PermissionDenied),
    "suspicious": raising(SuspiciousOperation),
    "bad": raising(BadRequest),
    "half-way": half_way,
    "in a thread": in_a_thread,
    "warned": warned,
}
