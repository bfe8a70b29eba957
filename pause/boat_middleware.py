from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import resolve, reverse


class BoatMiddleware:
    """Answer with the boat above sessions and database (ADR 33).

    Below them a visit would be recorded, and a cookie of the session sent along.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.path = reverse("pause:boat")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info != self.path:
            return self.get_response(request)
        # The log and the headers name and judge a response by its view.
        request.resolver_match = match = resolve(request.path_info)
        response: HttpResponse = match.func(request)
        return response
