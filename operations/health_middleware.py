from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import resolve, reverse


class HealthMiddleware:
    """Answer health checks above everything that looks at the host, the session or a person.

    A monitor or a load balancer may name the server by its address, which is no host of the site.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.paths = {reverse("healthz"), reverse("readyz")}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info not in self.paths:
            return self.get_response(request)
        # The log and the headers name and judge a response by its view.
        request.resolver_match = match = resolve(request.path_info)
        response: HttpResponse = match.func(request)
        return response
