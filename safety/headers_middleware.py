from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

# Search engines may list these: pages to read, the same for everyone.
INDEXED_PATHS = frozenset(
    {"/", "/about/", "/accessibility/", "/boat/", "/privacy/", "/safety/", "/steps/", "/terms/"}
)
INDEXED_PREFIXES = ("/learn/", "/help/")


class HeadersMiddleware:
    """The headers that Django and its packages leave out, also on files and redirects."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        response.headers["Cross-Origin-Embedder-Policy"] = "require-corp"
        indexed = request.path in INDEXED_PATHS or request.path.startswith(INDEXED_PREFIXES)
        if response.status_code != 200 or not indexed:
            response.headers["X-Robots-Tag"] = "noindex"
        return response
