from typing import Any

from accounts.error_views import Gone
from vault.models import SealedQuerySet


def get_or_gone(rows: SealedQuerySet, **lookups: Any) -> Any:
    """Return the row, or raise Gone: the 404 page for what a person may have deleted."""
    row = rows.filter(**lookups).first()
    if row is None:
        raise Gone
    return row
