from collections.abc import Callable
from typing import Any

from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse, QueryDict

# Addresses of ours are far shorter.
MAX_LENGTH = 2000


class RedirectAddressMiddleware:
    """Drop a `next` that cannot be an address, from queries and forms, before anything parses it.

    `urlsplit` normalizes what is not ASCII, in a time that is quadratic in combining marks: one
    form of a visitor would hold the interpreter for many seconds.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponse],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        for name in ("GET", "POST"):
            sent: QueryDict = getattr(request, name)
            if not _has_addresses_only(sent):
                setattr(request, name, _without_address(sent))


def _has_addresses_only(sent: QueryDict) -> bool:
    addresses = sent.getlist(REDIRECT_FIELD_NAME)
    return all(each.isascii() and len(each) <= MAX_LENGTH for each in addresses)


def _without_address(sent: QueryDict) -> QueryDict:
    others = sent.copy()
    del others[REDIRECT_FIELD_NAME]
    return others
