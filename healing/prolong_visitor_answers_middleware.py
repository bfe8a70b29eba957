from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from healing.visitor_answers import SESSION_KEY, touch_visitor_answers


class VisitorAnswersMiddleware:
    """Let the answers of a visitor last for another hour with each page that is opened."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # A signed-in person may not be the writer: do not prolong. Answers that nobody decides
        # about end within the hour.
        if request.user.is_anonymous and SESSION_KEY in request.session:
            touch_visitor_answers(request.session, now=timezone.now())
        return self.get_response(request)
