"""Run Django in few threads, and keep some of them for help and leaving (ADR 28)."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from io import BytesIO
from threading import BoundedSemaphore
from typing import Any, NamedTuple
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.conf import settings
from django.urls import reverse

from safety.busy_middleware import BUSY

# How many requests for pages may wait for a thread. More are answered with 503.
MAX_WAITING = 30
# In seconds. A session that cannot be locked by then is locked by its next request (ADR 17).
LEAVE_TIMEOUT = 1
RESERVED_THREADS = 2


class Answer(NamedTuple):
    status: str
    headers: list[tuple[str, str]]
    body: bytes


class ReservedThreads:
    """A WSGI application that reads and answers in the caller's thread, and runs Django elsewhere.

    The caller's thread waits for its client, however slow; it never holds a thread or a database
    connection that others need. Pages, leaving, and files with help have threads of their own.
    """

    def __init__(self, application: WSGIApplication, *, threads: int) -> None:
        self.application = application
        self.pages = ThreadPoolExecutor(threads, "pages")
        self.leaving = ThreadPoolExecutor(RESERVED_THREADS, "leaving")
        # What is answered from memory and disk, without the database.
        self.files = ThreadPoolExecutor(RESERVED_THREADS, "files")
        self.room = BoundedSemaphore(threads + MAX_WAITING)
        self.leave_path = reverse("safety:leave")
        self.file_paths = (reverse("safety:help"), settings.STATIC_URL, f"{reverse('healthz')}/")

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        body = read_body(environ)
        if body is None:
            # Half a form could replace a whole letter.
            start_response("400 Bad Request", [("Content-Length", "0")])
            return []
        # A copy: gunicorn looks at its own once more. Without a wrapper, Django reads files itself.
        complete = environ | {"wsgi.input": BytesIO(body), "wsgi.file_wrapper": None}
        answer = self._answerer(environ["PATH_INFO"])(complete)
        start_response(answer.status, answer.headers)
        # Gunicorn logs a warning about the body of an answer to HEAD.
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]

    def _answerer(self, path: str) -> Callable[[WSGIEnvironment], Answer]:
        if path == self.leave_path:
            return self._leave
        is_file = f"{path}/".startswith(self.file_paths)
        return self._file if is_file else self._page

    def _page(self, environ: WSGIEnvironment) -> Answer:
        if not self.room.acquire(blocking=False):
            return self._busy(environ)
        try:
            return self._submit(self.pages, environ).result()
        finally:
            self.room.release()

    def _leave(self, environ: WSGIEnvironment) -> Answer:
        # Django changes the environ.
        unused = environ.copy()
        leaving = self._submit(self.leaving, environ)
        try:
            return leaving.result(LEAVE_TIMEOUT)
        except TimeoutError:
            leaving.cancel()
            return self._busy(unused)

    def _busy(self, environ: WSGIEnvironment) -> Answer:
        return self._file(environ | {BUSY: True})

    def _file(self, environ: WSGIEnvironment) -> Answer:
        return self._submit(self.files, environ).result()

    def _submit(self, pool: ThreadPoolExecutor, environ: WSGIEnvironment) -> "Future[Answer]":
        return pool.submit(run, self.application, environ)


def read_body(environ: WSGIEnvironment) -> bytes | None:
    """Return the body of a request, or None if its client stopped halfway.

    It is empty if it has no length or is too long: Django refuses or ignores it unread.
    """
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if length > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        return b""
    body: bytes = environ["wsgi.input"].read(length)
    return body if len(body) == length else None


def run(application: WSGIApplication, environ: WSGIEnvironment) -> Answer:
    """Call a WSGI application and return its whole answer."""
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        started[:] = [status, headers]

    pieces = application(environ, start_response)
    try:
        body = b"".join(pieces)
    finally:
        # Here, not in the thread that sends: Django closes database connections of this thread.
        if hasattr(pieces, "close"):
            pieces.close()
    status, headers = started
    return Answer(status, headers, body)
