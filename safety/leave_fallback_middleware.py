from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from safety import signed_in_cookie
from safety.leaving import (
    delete_csrf_cookie,
    left_cookie_name,
    redirect_away,
    take_csrf_cookie,
)


class LeaveFallbackMiddleware:
    """Redirect away even if /leave/ fails (ADR 17). The cookie makes the next request lock."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.leave_path = reverse("safety:leave")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path != self.leave_path or response.status_code in {204, 303, 405}:
            return response
        response = redirect_away()
        signed_in_cookie.update(request, response, language=None)
        response.set_cookie(left_cookie_name(), "1", secure=settings.HTTPS, samesite="Lax")
        if take_csrf_cookie(request):
            delete_csrf_cookie(response)
        return response
