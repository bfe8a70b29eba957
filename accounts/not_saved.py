"""Why something was not saved, and the status of the page that says so."""

from typing import NamedTuple

from accounts.error_views import not_saved_message, quota_exceeded_message
from vault.sealing import CannotOpen
from vault.storage_quota import QuotaExceeded

# What saving words can raise, for `except`.
NOT_SAVED = (QuotaExceeded, CannotOpen)


class Refusal(NamedTuple):
    message: str
    status: int


def refusal_of(error: QuotaExceeded | CannotOpen) -> Refusal:
    if isinstance(error, QuotaExceeded):
        return Refusal(quota_exceeded_message(), 422)
    return Refusal(not_saved_message(), 503)
