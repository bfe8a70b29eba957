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
        language = None
        if request.user.is_authenticated and not is_locked(request):
            language = request.user.active_language
            if response.status_code < 400:
                request.user.record_visit(now=timezone.now())
        signed_in_cookie.update(request, response, language=language)
        return response
