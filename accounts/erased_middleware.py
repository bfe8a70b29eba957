from collections.abc import Callable

from django.db import DatabaseError, OperationalError
from django.http import HttpRequest, HttpResponse

from accounts.error_views import erased, is_erased
from vault.sealing import CannotOpen


class ErasedMiddleware:
    """Somebody sends something in the very moment in which their account is erased elsewhere.
    Nothing is kept of it, and what they wrote goes back to them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """What pointed to the account or belonged to it could not be stored or opened."""
        return erased(request) if _may_come_of_it(error) and is_erased(request) else None


def _may_come_of_it(error: Exception) -> bool:
    if isinstance(error, OperationalError):
        # The database itself is away: there is nobody to be asked about.
        return False
    return isinstance(error, DatabaseError | CannotOpen)
