from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.error_views import withheld
from accounts.returned_forms import drop_accepted_form, is_withheld, record_proof
from vault import expiring_session_entries


class FormOwnerMiddleware:
    """Let a form reach its view only while the person is proven on whose page it was written.

    Browsers send a form again on Back and on reload, also after somebody else has come. Comes
    below SessionLockMiddleware, which makes the user of a locked session anonymous.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            record_proof(request, request.user.pk)
        expiring_session_entries.drop_expired(request.session, now=timezone.now())
        response = self.get_response(request)
        drop_accepted_form(request, response)
        return response

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponse],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> HttpResponse | None:
        return withheld(request) if is_withheld(request) else None
