from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse

from healing.guide import guide
from safety.yaml_records import DataFileError


class GuideReloadMiddleware:
    """Answer with the mistakes while a file that an editor is changing has any.

    Only where changed files are read again: a server does not start with a mistake in the guide.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not settings.GUIDE_RELOAD:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            guide()
        except DataFileError as error:
            return HttpResponse(f"{error}\n", status=500, content_type="text/plain; charset=utf-8")
        return self.get_response(request)
