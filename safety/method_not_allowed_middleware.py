from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from safety.context_processors import site


class MethodNotAllowedMiddleware:
    """Give a 405 a page: Django sends an empty one, which browsers show as an error of their own.

    Rendered without a user, since help and leaving refuse a method while the database is down.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED and not response.content:
            response.content = render_to_string("405.html", site(None))
        return response
