"""Response headers: what search engines may list, what browsers may load and what they may cache.

The order of the middleware is explained in MIDDLEWARE.
"""

from collections.abc import Callable

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase

GetResponse = Callable[[HttpRequest], HttpResponse]

# Search engines may list these: pages to read, the same for everyone.
INDEXED_PATHS = frozenset(
    {"/", "/about/", "/accessibility/", "/privacy/", "/safety/", "/steps/", "/terms/"}
)
INDEXED_PREFIXES = ("/learn/", "/help/")

# The attributes of a request or response through which django-csp takes another policy.
CSP_OVERRIDES = {"_csp_nonce", "_csp_config", "_csp_update", "_csp_replace", "_csp_exempt"}


class HeadersMiddleware:
    """The headers that Django and its packages leave out, also on files and redirects."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        response.headers["Cross-Origin-Embedder-Policy"] = "require-corp"
        indexed = request.path in INDEXED_PATHS or request.path.startswith(INDEXED_PREFIXES)
        if response.status_code != 200 or not indexed:
            response.headers["X-Robots-Tag"] = "noindex"
        return response


class ContentSecurityPolicyMiddleware(CSPMiddleware):
    """The Content-Security-Policy of the settings, built once instead of for every response.

    A response that asks django-csp for another policy or for a nonce is left to django-csp.
    """

    def __init__(self, get_response: GetResponse) -> None:
        super().__init__(get_response)
        self.policy = build_policy()

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        has_override = {*vars(request), *vars(response)} & CSP_OVERRIDES
        if has_override or settings.DEBUG:
            return super().process_response(request, response)
        response.headers.setdefault(HEADER, self.policy)
        return response


class AdminPolicyMiddleware:
    """Allow Django's admin to write HTML from its own scripts, which Trusted Types would stop."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        match = request.resolver_match
        if match and match.app_name == "admin":
            looser = {"require-trusted-types-for": None, "trusted-types": None}
            setattr(response, "_csp_replace", looser)  # noqa: B010 (django-csp reads it from here)
        return response


class CacheControlMiddleware:
    """Never store a page that may be private; revalidate a public one each time."""

    ALWAYS_PRIVATE = ("/accounts/", "/admin/", "/leave/")
    # Read by machines, and the same for everyone.
    ONE_DAY = frozenset({"/.well-known/security.txt"})

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if self._may_be_private(request, response):
            response.headers["Cache-Control"] = "no-store, private"
        elif request.path in self.ONE_DAY:
            response.headers["Cache-Control"] = "public, max-age=86400"
        else:
            response.headers["Cache-Control"] = "no-cache"
        return response

    def _may_be_private(self, request: HttpRequest, response: HttpResponse) -> bool:
        # The cookie, not request.user: this must work while the database is down.
        session = settings.SESSION_COOKIE_NAME
        if session in request.COOKIES or session in response.cookies or response.status_code >= 400:
            return True
        if request.method not in {"GET", "HEAD"}:
            # The page may repeat what was posted.
            return True
        match = request.resolver_match
        private = match is not None and getattr(match.func, "login_required", True)
        return private or request.path.startswith(self.ALWAYS_PRIVATE)
