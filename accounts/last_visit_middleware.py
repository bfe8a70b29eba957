from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.sessions.idle_lock import is_locked
from safety import signed_in_cookie


class LastVisitMiddleware:
    """Record that the person was here."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        signed_in = request.user.is_authenticated and not is_locked(request)
        language = request.user.active_language if signed_in else None
        signed_in_cookie.update(request, response, language=language)
        if response.status_code < 400 and request.user.is_authenticated and signed_in:
            request.user.record_visit(now=timezone.now())
        return response
