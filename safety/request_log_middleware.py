import logging
from collections.abc import Callable
from time import perf_counter

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from safety.request_id import request_id, reset_request_id, set_request_id

logger = logging.getLogger(__name__)

# A client may send any word as the method; only these are logged as they are.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})


class RequestLogMiddleware:
    """Give every request an id and write one log line for it (ADR 22).

    The log must not reveal who writes, nor when: it has the name of the route instead of the path,
    which contains ids and tokens, and no user, IP address, user agent or query.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started_at, token = perf_counter(), set_request_id()
        response = self.get_response(request)
        response.headers["X-Request-ID"] = request_id() or ""
        fields = {
            "method": request.method if request.method in METHODS else "other",
            "route": _route(request),
            "status": response.status_code,
            "ms": round((perf_counter() - started_at) * 1000, 1),
        }
        logger.info("request", extra=fields)
        reset_request_id(token)
        return response


def _route(request: HttpRequest) -> str:
    match = request.resolver_match
    if match:
        return match.view_name or "unnamed"
    # A middleware answered before the URL was resolved, or no URL matches.
    if request.path_info.startswith(settings.STATIC_URL):
        return "file"
    return "help" if request.path_info.startswith("/help") else "none"
