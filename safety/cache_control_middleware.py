from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse


class CacheControlMiddleware:
    """Never store a page that may be private; revalidate a public one each time."""

    ALWAYS_PRIVATE = ("/accounts/", "/admin/", "/leave/", "/before/", "/boat/")
    # Read by machines, and the same for everyone.
    ONE_DAY = frozenset({"/.well-known/security.txt"})

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
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
        session, token = settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME
        if session in request.COOKIES or session in response.cookies or response.status_code >= 400:
            return True
        if token in response.cookies:
            # The page has a form: something may be typed in it, and Back must not show it.
            return True
        if request.method not in {"GET", "HEAD"}:
            # The page may repeat what was posted.
            return True
        match = request.resolver_match
        private = match is not None and getattr(match.func, "login_required", True)
        return private or request.path.startswith(self.ALWAYS_PRIVATE)
