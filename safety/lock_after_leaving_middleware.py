from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from safety.leaving import delete_csrf_cookie, left_cookie_name, lock, take_csrf_cookie


class LockAfterLeavingMiddleware:
    """Lock a session before its next use if a “Leave now” did not reach the server (ADR 17)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if left_cookie_name() not in request.COOKIES:
            return self.get_response(request)
        lock(request.session, now=timezone.now())
        had_token = take_csrf_cookie(request)
        response = self.get_response(request)
        response.delete_cookie(left_cookie_name(), samesite="Lax")
        if had_token:
            delete_csrf_cookie(response)
        return response
