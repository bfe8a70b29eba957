"""Keep “Leave now” working when a request or the database fails (ADR 17)."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from safety import signed_in_cookie
from safety.leaving import (
    delete_csrf_cookie,
    left_cookie_name,
    lock,
    redirect_away,
    take_csrf_cookie,
)

GetResponse = Callable[[HttpRequest], HttpResponse]


class LeaveMiddleware:
    """Redirect away even if /leave/ fails. The cookie makes the next request lock instead."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.leave_path = reverse("safety:leave")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path != self.leave_path or response.status_code in {204, 303, 405}:
            return response
        response = redirect_away()
        signed_in_cookie.update(request, response, signed_in=False)
        response.set_cookie(left_cookie_name(), "1", secure=settings.HTTPS, samesite="Lax")
        if take_csrf_cookie(request):
            delete_csrf_cookie(response)
        return response


class LockAfterLeavingMiddleware:
    """Lock a session before its next use if a “Leave now” did not reach the server."""

    def __init__(self, get_response: GetResponse) -> None:
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
