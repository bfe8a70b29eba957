"""Leaving, help, and what a browser may keep. Their order is explained in MIDDLEWARE."""

import logging
from collections.abc import Callable
from time import perf_counter

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
    HttpResponsePermanentRedirect,
)
from django.urls import reverse
from django.utils import timezone

from safety import help_pages
from safety.leaving import away, lock, marker
from safety.request_id import begin, end, request_id

logger = logging.getLogger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponse]

# What a search engine may list: pages to read, none that knows anybody.
LANDING = frozenset(
    {"/", "/about/", "/accessibility/", "/privacy/", "/safety/", "/steps/", "/terms/"}
)
LANDING_FOLDERS = ("/learn/", "/help/")

# Where django-csp finds what a view wants otherwise.
ASKED_OF_CSP = {"_csp_nonce", "_csp_config", "_csp_update", "_csp_replace", "_csp_exempt"}


# Whoever asks may put any word here.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})


class RequestMiddleware:
    """Gives every request a name, and every answer a line in the log.

    Whoever reads the log must not learn who writes, nor when: the line has the route's name rather
    than the path, which holds ids and tokens, and no person, no network address, no browser's
    name and nothing of the query.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began, token = perf_counter(), begin()
        response = self.get_response(request)
        response.headers["X-Request-ID"] = request_id() or ""
        said = {
            "method": request.method if request.method in METHODS else "other",
            "route": _route(request),
            "status": response.status_code,
            "ms": round((perf_counter() - began) * 1000, 1),
        }
        logger.info("request", extra=said)
        end(token)
        return response


def _route(request: HttpRequest) -> str:
    match = request.resolver_match
    if match:
        return match.view_name or "unnamed"
    # Answered before any view is looked for, or there is none.
    if request.path_info.startswith(settings.STATIC_URL):
        return "file"
    return "help" if request.path_info.startswith("/help") else "none"


class HeadersMiddleware:
    """What Django and its helpers leave out, on every response: also on files and redirects."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        response.headers["Cross-Origin-Embedder-Policy"] = "require-corp"
        if response.status_code != 200 or not _is_landing(request.path):
            response.headers["X-Robots-Tag"] = "noindex"
        return response


class DistrustMiddleware:
    """Looks at what a request claims before anything relies on it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Browsers send what they are shown in, UTF-8. Other encodings are only ever claimed to
        # smuggle in what UTF-8 has no word for, such as half a surrogate pair.
        request.encoding = "utf-8"
        # Nobody hands in files here; Django would put them on the disk before any page looks.
        request.upload_handlers = [NoFiles(request)]
        # Cookies may spell a NUL, which the database refuses with an error.
        if "\0" in request.COOKIES.get(settings.SESSION_COOKIE_NAME, ""):
            del request.COOKIES[settings.SESSION_COOKIE_NAME]
        return self.get_response(request)


class NoFiles(FileUploadHandler):
    """Reads a form without keeping any file that comes with it."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        return None

    def file_complete(self, file_size: int) -> None:
        return None


def _is_landing(path: str) -> bool:
    return path in LANDING or path.startswith(LANDING_FOLDERS)


class PolicyMiddleware(CSPMiddleware):
    """The Content-Security-Policy of the settings, put together once and not for every answer.

    Whoever asks django-csp for another policy, or for a nonce, gets what it makes.
    """

    def __init__(self, get_response: GetResponse) -> None:
        super().__init__(get_response)
        self.policy = build_policy()

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        asked = {*vars(request), *vars(response)} & ASKED_OF_CSP
        if asked or settings.DEBUG:
            return super().process_response(request, response)
        response.headers.setdefault(HEADER, self.policy)
        return response


class AdminPolicyMiddleware:
    """Django's admin writes HTML from scripts of its own, which Trusted Types would stop."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        match = request.resolver_match
        if match and match.app_name == "admin":
            looser = {"require-trusted-types-for": None, "trusted-types": None}
            setattr(response, "_csp_replace", looser)  # noqa: B010 (django-csp reads it from here)
        return response


class NoStoreMiddleware:
    """A page that may be private is kept nowhere; a public one is asked for again each time."""

    ALWAYS = ("/accounts/", "/admin/", "/leave/")
    # For machines, and the same for everyone.
    A_DAY = frozenset({"/.well-known/security.txt"})

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers["Cache-Control"] = self._kept(request, response)
        return response

    def _kept(self, request: HttpRequest, response: HttpResponse) -> str:
        if self._may_be_private(request, response):
            return "no-store, private"
        return "public, max-age=86400" if request.path in self.A_DAY else "no-cache"

    def _may_be_private(self, request: HttpRequest, response: HttpResponse) -> bool:
        # The cookie rather than the person: this holds when the database cannot say who it is.
        session = settings.SESSION_COOKIE_NAME
        if session in request.COOKIES or session in response.cookies or response.status_code >= 400:
            return True
        if request.method not in {"GET", "HEAD"}:
            # It may hold what was sent.
            return True
        match = request.resolver_match
        private = match is not None and getattr(match.func, "login_required", True)
        return private or request.path.startswith(self.ALWAYS)


class HelpPagesMiddleware:
    """Help from memory, above sessions and database. Without files the views answer instead."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.pages = {} if settings.DEBUG else help_pages.stored()
        self.start = reverse("safety:help")
        self.unknown = help_pages.unknown_address()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if self.start not in self.pages or not f"{request.path}/".startswith(self.start):
            return self.get_response(request)
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        return self._answer(request.path)

    def _answer(self, path: str) -> HttpResponse:
        as_written = f"{path.lower().rstrip('/')}/"
        if path != as_written and as_written in self.pages:
            return HttpResponsePermanentRedirect(as_written)
        if path == self.unknown or path not in self.pages:
            return HttpResponse(self.pages[self.unknown], status=404)
        return HttpResponse(self.pages[path])


class LeaveMiddleware:
    """Leaving always leads away: when nothing could be locked, the marker makes up for it later."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.address = reverse("safety:leave")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path != self.address or response.status_code in {204, 303, 405}:
            return response
        response = away()
        response.set_cookie(marker(), "1", secure=settings.HTTPS, samesite="Lax")
        return response


class LockAfterLeavingMiddleware:
    """A page was left, perhaps unheard: lock before anything else sees the session."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if marker() not in request.COOKIES:
            return self.get_response(request)
        lock(request.session, now=timezone.now())
        response = self.get_response(request)
        response.delete_cookie(marker(), samesite="Lax")
        return response
