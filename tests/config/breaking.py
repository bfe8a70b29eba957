"""Our settings, with a page that breaks wherever a request asks for it, in a way it names."""

import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.template import Context, Template

from config.settings import *  # noqa: F403
from config.settings import MIDDLEWARE as OURS

MIDDLEWARE = ["tests.config.breaking.NoTokens", *OURS, "tests.config.breaking.Breaks"]

View = Callable[[HttpRequest], HttpResponse]


class NoTokens:
    """As in the tests' own client: what breaks is behind the token."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        setattr(request, "_dont_enforce_csrf_checks", True)  # noqa: B010
        return self.get_response(request)


class Breaks:
    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: Any) -> HttpResponse | None:
        way = request.headers.get("X-Break")
        words = "\r\n\x1b[31m".join(
            [request.get_full_path(), str(request.POST), str(request.headers), str(request.user)]
        )
        return WAYS[way](words) if way else None


def plain(words: str) -> None:
    secret = words  # noqa: F841 (a variable that a report of the error could show)
    raise ValueError(words)


def chained(words: str) -> None:
    try:
        plain(words)
    except ValueError as error:
        raise RuntimeError(words) from error


def in_a_group(words: str) -> None:
    raise ExceptionGroup(words, [ValueError(words), KeyError(words)])


def unique(words: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE IF NOT EXISTS said (word text UNIQUE)")
        cursor.execute("INSERT INTO said VALUES (left(%s, 500)), (left(%s, 500))", [words, words])


def unreadable(words: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::text::uuid", [words])


def template(words: str) -> None:
    Template("{{ broken.words }}").render(Context({"broken": Broken(words)}))


class Broken:
    def __init__(self, words: str) -> None:
        self.words_of = words

    @property
    def words(self) -> str:
        raise RuntimeError(self.words_of)


def raising(kind: type[Exception]) -> Callable[[str], None]:
    def broken(words: str) -> None:
        raise kind(words)

    return broken


def half_way(words: str) -> HttpResponse:
    def parts() -> Iterator[str]:
        yield "begun"
        raise ValueError(words)

    return StreamingHttpResponse(parts())  # type: ignore[return-value]


def in_a_thread(words: str) -> HttpResponse:
    thread = threading.Thread(target=plain, args=(words,), name=words)
    thread.start()
    thread.join()
    return HttpResponse()


def warned(words: str) -> HttpResponse:
    warnings.warn(words, stacklevel=1)
    return HttpResponse()


WAYS: dict[str, Callable[[str], Any]] = {
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
