from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers


class LocaleMiddleware:
    """Activate the person's language and time zone for their request; for a visitor, the first
    language of their browser that the site has."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            language, zone = request.user.active_language, request.user.zone
            with translation.override(language), timezone.override(zone):
                return self.get_response(request)
        with translation.override(translation.get_language_from_request(request)):
            response = self.get_response(request)
        if len(settings.LANGUAGES) > 1:
            patch_vary_headers(response, ["Accept-Language"])
        return response
