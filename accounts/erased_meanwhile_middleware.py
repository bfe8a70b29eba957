from collections.abc import Callable

from django.db import DatabaseError, OperationalError
from django.http import HttpRequest, HttpResponse

from accounts.error_views import erased, is_erased
from vault.sealing import CannotOpen


class ErasedMiddleware:
    """Answer a request that failed because another request erased the account meanwhile: rows of
    the account could not be written or decrypted. Nothing is stored, and the form goes back."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        # An OperationalError means that the database itself is down: it cannot be asked.
        may_be_erased = isinstance(error, DatabaseError | CannotOpen)
        if may_be_erased and not isinstance(error, OperationalError) and is_erased(request):
            return erased(request)
        return None
