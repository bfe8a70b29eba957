from collections.abc import Callable

from django.conf import settings
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponsePermanentRedirect,
)
from django.urls import reverse

from safety import collected_files, help_pages


class HelpPagesMiddleware:
    """Answer with help pages from memory, above sessions and database (ADR 11).

    Without rendered files the views answer.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        collected_files.mark_at_start()
        self.pages = {} if settings.DEBUG else help_pages.read_all()
        self.start = reverse("safety:help")
        self.elsewhere = help_pages.elsewhere_path()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if self.start not in self.pages or not f"{request.path}/".startswith(self.start):
            return self.get_response(request)
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        return self._page(request.path)

    def _page(self, path: str) -> HttpResponse:
        normalized = f"{path.lower().rstrip('/')}/"
        if path != normalized and normalized in self.pages:
            return HttpResponsePermanentRedirect(normalized)
        if path not in self.pages:
            return HttpResponse(self.pages[self.elsewhere], status=404)
        return HttpResponse(self.pages[path])
