from collections.abc import Callable

from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, OperationalError, transaction
from django.http import HttpRequest, HttpResponse

from accounts.error_views import erased
from accounts.models import User
from accounts.retried_transaction import lost_to_another_transaction
from vault.sealing import CannotOpen


class ErasedMiddleware:
    """Answer a request that failed because another request erased the account meanwhile: rows of
    the account could not be read, written or decrypted. Nothing is stored, and the form goes
    back."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return erased(request) if _may_be_erased(error) and _is_erased(request) else None


def _may_be_erased(error: Exception) -> bool:
    if isinstance(error, OperationalError):
        # Any other one means that the database itself is down: it cannot be asked.
        return lost_to_another_transaction(error)
    return isinstance(error, DatabaseError | ObjectDoesNotExist | CannotOpen)


def _is_erased(request: HttpRequest) -> bool:
    if not request.user.is_authenticated:
        return False
    with transaction.atomic():
        # A request that lost a deadlock is answered before the other transaction has committed:
        # wait for it here, or the account would seem to be there.
        return not User.objects.lock_row(request.user.pk)
