from collections.abc import Callable

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, HttpResponse


class SanitizeRequestMiddleware:
    """Drop what no browser sends to our forms, before anything relies on the request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Browsers post in the page's encoding, UTF-8. A client that claims another one could
        # smuggle in what UTF-8 cannot encode, such as half a surrogate pair.
        request.encoding = "utf-8"
        # No form of ours takes files. Django would write them to disk before any view runs.
        request.upload_handlers = [DiscardingUploadHandler(request)]
        # A NUL in the session key makes Postgres raise an error.
        if "\0" in request.COOKIES.get(settings.SESSION_COOKIE_NAME, ""):
            del request.COOKIES[settings.SESSION_COOKIE_NAME]
        return self.get_response(request)


class DiscardingUploadHandler(FileUploadHandler):
    """Parse the other fields of a multipart form and discard its files."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        return None

    def file_complete(self, file_size: int) -> None:
        return None
