from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse


class MissingFileMiddleware:
    """Answer 404 for a static file that does not exist, without session and database.

    The threads that serve files must never wait for the database (ADR 28).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(settings.STATIC_URL):
            return HttpResponse(status=404)
        return self.get_response(request)
