from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from safety.context_processors import site

# The key in a WSGI environ of a request that cannot be served now. No client can set it: the names
# of their headers begin with HTTP_.
BUSY = "reserved_threads.busy"
RETRY_AFTER = 5


class BusyMiddleware:
    """Answer 503 when too many requests wait, above sessions and database."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if BUSY not in request.META:
            return self.get_response(request)
        page = render_to_string("503.html", site(None) | {"is_form": request.method == "POST"})
        return HttpResponse(page, status=503, headers={"Retry-After": str(RETRY_AFTER)})
