from collections.abc import Callable

from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, HttpResponse


class DiscardUploadsMiddleware:
    """Discard uploaded files. No form of ours takes any."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Django would write them to disk before any view runs.
        request.upload_handlers = [DiscardingUploadHandler(request)]
        return self.get_response(request)


class DiscardingUploadHandler(FileUploadHandler):
    """Parse the other fields of a multipart form and discard its files."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        return None

    def file_complete(self, file_size: int) -> None:
        return None
