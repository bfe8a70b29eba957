from collections.abc import Callable

from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpResponse
from django.views.decorators.http import require_safe


def public_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Open a view to visitors. Without a transaction it works while the database is down."""
    return login_not_required(require_safe(transaction.non_atomic_requests(view)))
