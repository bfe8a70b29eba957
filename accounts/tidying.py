"""Delete what has expired."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import connections

from accounts import mail_rate_limits, unverified
from accounts.models import Activity, Invitation
from vault.sessions import Session

logger = logging.getLogger(__name__)

# How long account activity can be looked up, and invitations are stored after their end.
RETENTION = timedelta(days=90)
# How many rows of one table a run of `tidy` deletes; it runs every hour.
BATCH_SIZE = 5000


def tidy(*, now: datetime) -> None:
    """Delete what has expired: one batch of accounts, sessions and activity, and all invitations
    and rate-limit counts.

    One kind that fails is logged and does not stop the others; all errors are raised at the end.
    Safe to run concurrently.
    """
    errors = []
    for kind, delete in EXPIRED.items():
        try:
            delete(now=now)
        except Exception as error:
            # Also Celery's soft time limit: the others get what is left of the time.
            logger.error("cannot be tidied", extra={"kind": kind}, exc_info=error)
            errors.append(error)
            # The time limit may have interrupted a statement, which leaves its connection unusable.
            connections.close_all()
    if errors:
        raise ExceptionGroup("tidied in part", errors)


def drop_expired_entries(*, now: datetime) -> None:
    """Drop what sessions store for less than their own time: forms that wait, and searches."""
    for session in Session.objects.with_expired_entries(now).iterator(chunk_size=100):
        session.drop_expired_entries(now=now)


def _delete_sessions(*, now: datetime) -> None:
    ended = Session.objects.expired(now).order_by("expire_date")
    Session.objects.filter(pk__in=list(ended.values_list("pk", flat=True)[:BATCH_SIZE])).delete()


def _delete_activity(*, now: datetime) -> None:
    old = Activity.objects.older_than(RETENTION, now=now).order_by("at")
    Activity.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:BATCH_SIZE])).delete()


def _delete_invitations(*, now: datetime) -> None:
    Invitation.objects.unusable_for(RETENTION, now=now).delete()


EXPIRED: dict[str, Callable[..., object]] = {
    "accounts": unverified.delete_old,
    "sessions": _delete_sessions,
    "activity": _delete_activity,
    "invitations": _delete_invitations,
    "limits": mail_rate_limits.delete_expired,
}
