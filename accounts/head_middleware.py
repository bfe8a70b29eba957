from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


class HeadMiddleware:
    """Let views answer a HEAD as a GET: allauth's rate limits and forms treat every other method as
    a POST."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method != "HEAD":
            return self.get_response(request)
        request.method = "GET"
        try:
            return self.get_response(request)
        finally:
            request.method = "HEAD"
