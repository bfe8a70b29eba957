"""Run Django in few threads, and keep some of them for help and leaving (ADR 28)."""

from concurrent.futures import Future, ThreadPoolExecutor
from io import BytesIO
from threading import BoundedSemaphore
from typing import Any, NamedTuple
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.conf import settings
from django.urls import reverse

from safety import help_pages
from safety.busy_middleware import BUSY

# How many requests for pages may wait for a thread. More are answered with 503.
MAX_WAITING = 30
# The same for help and files, which take a thread for milliseconds, and many at once for one page.
MAX_WAITING_FOR_FILES = 60
# In seconds. A session that cannot be locked by then is locked by its next request (ADR 17).
LEAVE_TIMEOUT = 1
RESERVED_THREADS = 2


class Answer(NamedTuple):
    status: str
    headers: list[tuple[str, str]]
    body: bytes


CUT_OFF = Answer("400 Bad Request", [("Content-Length", "0")], b"")
TOO_MANY = Answer("503 Service Unavailable", [("Content-Length", "0"), ("Retry-After", "5")], b"")


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
        self.file_room = BoundedSemaphore(RESERVED_THREADS + MAX_WAITING_FOR_FILES)
        self.leave_path, self.help_path = reverse("safety:leave"), reverse("safety:help")
        self.health_path = reverse("healthz")
        # Without them the views answer, which ask for the session.
        self.has_help = self.help_path in help_pages.in_memory()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        answer = self._answer(environ)
        start_response(answer.status, answer.headers)
        # Gunicorn logs a warning about the body of an answer to HEAD.
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]

    def _answer(self, environ: WSGIEnvironment) -> Answer:
        path = environ["PATH_INFO"]
        if path == self.leave_path:
            return self._leave(without_body(environ))
        if self._is_file(path):
            return self._file(without_body(environ))
        body = read_body(environ)
        # Half a form could replace a whole letter.
        return CUT_OFF if body is None else self._page(with_body(environ, body))

    def _is_file(self, path: str) -> bool:
        """Whether all that has this path is answered without session and database, if only by
        404: see the order in MIDDLEWARE."""
        is_help = self.has_help and f"{path}/".startswith(self.help_path)
        return is_help or path == self.health_path or path.startswith(settings.STATIC_URL)

    def _page(self, environ: WSGIEnvironment) -> Answer:
        return self._run(self.pages, self.room, environ) or self._file(environ | {BUSY: True})

    def _file(self, environ: WSGIEnvironment) -> Answer:
        return self._run(self.files, self.file_room, environ) or TOO_MANY

    def _leave(self, environ: WSGIEnvironment) -> Answer:
        # Django changes the environ.
        unused = environ.copy()
        leaving = self._submit(self.leaving, environ)
        try:
            return leaving.result(LEAVE_TIMEOUT)
        except TimeoutError:
            leaving.cancel()
            # Leaving is never refused for lack of room: it is a redirect without a page.
            return self._submit(self.files, unused | {BUSY: True}).result()

    def _run(
        self, pool: ThreadPoolExecutor, room: BoundedSemaphore, environ: WSGIEnvironment
    ) -> Answer | None:
        """Return None if there is no room to wait for a thread."""
        if not room.acquire(blocking=False):
            return None
        try:
            return self._submit(pool, environ).result()
        finally:
            room.release()

    def _submit(self, pool: ThreadPoolExecutor, environ: WSGIEnvironment) -> "Future[Answer]":
        return pool.submit(run, self.application, environ)


def with_body(environ: WSGIEnvironment, body: bytes) -> WSGIEnvironment:
    # A copy: gunicorn looks at its own once more. Without a wrapper, Django reads files itself.
    return environ | {"wsgi.input": BytesIO(body), "wsgi.file_wrapper": None}


def without_body(environ: WSGIEnvironment) -> WSGIEnvironment:
    """Leave the body unread: nothing needs one, and large forms would keep these threads busy."""
    return with_body(environ, b"") | {"CONTENT_LENGTH": "0"}


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
