from collections.abc import Callable

from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponsePermanentRedirect,
)
from django.urls import reverse

from safety import collected_files_mark, help_pages, signed_in_cookie


class HelpPagesMiddleware:
    """Answer with help pages from memory, above sessions and database (ADR 11).

    Without rendered files the views answer.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        collected_files_mark.mark_at_start()
        self.pages = help_pages.in_memory()
        self.forms = {
            # A file that is missing in one form only: help in English is better than none.
            form: self.pages | help_pages.read_all(language=form[0], signed_in=form[1])
            for form in help_pages.forms()
        }
        self.start = reverse("safety:help")
        self.elsewhere = help_pages.elsewhere_path()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if self.start not in self.pages or not f"{request.path}/".startswith(self.start):
            return self.get_response(request)
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        return self._page(request.path, self._pages_for(request))

    def _pages_for(self, request: HttpRequest) -> dict[str, bytes]:
        return self.forms.get(signed_in_cookie.reader(request)) or self.pages

    def _page(self, path: str, pages: dict[str, bytes]) -> HttpResponse:
        normalized = f"{path.lower().rstrip('/')}/"
        if path != normalized and normalized in pages:
            return HttpResponsePermanentRedirect(normalized)
        status = 200 if path in pages else 404
        page = HttpResponse(pages.get(path, pages[self.elsewhere]), status=status)
        page.headers["Vary"] = "Cookie, Accept-Language"
        return page
