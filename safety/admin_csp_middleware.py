from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


class AdminCspMiddleware:
    """Allow Django's admin to write HTML from its own scripts, which Trusted Types would stop."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        match = request.resolver_match
        if match and match.app_name == "admin":
            looser = {"require-trusted-types-for": None, "trusted-types": None}
            setattr(response, "_csp_replace", looser)  # noqa: B010 (django-csp reads it from here)
        return response
