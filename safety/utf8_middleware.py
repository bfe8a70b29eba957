from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse


class Utf8Middleware:
    """Keep out what Postgres refuses as an invalid byte sequence for UTF-8."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Browsers post in the page's encoding, UTF-8. A client that claims another one could
        # smuggle in what UTF-8 cannot encode, such as half a surrogate pair.
        request.encoding = "utf-8"
        # A NUL in the session key makes Postgres raise an error.
        if "\0" in request.COOKIES.get(settings.SESSION_COOKIE_NAME, ""):
            del request.COOKIES[settings.SESSION_COOKIE_NAME]
        return self.get_response(request)
