from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation


class LocaleMiddleware:
    """Activate the person's language and time zone for their request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated:
            return self.get_response(request)
        language, zone = request.user.active_language, request.user.zone
        with translation.override(language), timezone.override(zone):
            return self.get_response(request)
