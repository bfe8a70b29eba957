"""The registry of the kinds of mail: how each is built, how long it is wanted, how it retries.

Rooms above this one register their kinds in `AppConfig.ready`. Mail of any other kind is
prerendered: its address and content are sealed in the row (see `actions.enqueue`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.mail import EmailMessage
from django.db.models import Q

from mail.emails import build_from_payload
from mail.models import Message, inside_window

FIRST_PAUSE = timedelta(seconds=10)
LONGEST_DELAY = timedelta(days=1)
# More than reach the longest delay from any first one.
MAX_DOUBLINGS = 20


class Unwanted(Exception):
    """Raised by a kind's `compose` if the reason for the mail no longer exists."""


def _always(now: datetime) -> Q:
    return Q()


def _ignore(message: Message, now: datetime) -> None:
    pass


@dataclass(frozen=True)
class Kind:
    name: str
    # A second copy is worse than none: a delivery without an answer is not retried.
    at_most_once: bool
    compose: Callable[[Message], EmailMessage]
    # The delay after each failed try. The try after the last delay is the last one.
    retry_delays: tuple[timedelta, ...]
    # How long mail is kept for another try if it fails for a reason that is not its address.
    patience: timedelta = timedelta(days=7)
    # Put off by its address, it is tried with growing pauses until its patience ends, and not only
    # after the retry delays.
    tries_until_patience_ends: bool = False
    # A condition on Message rows. Rows that do not meet it are skipped.
    still_wanted: Callable[[datetime], Q] = _always
    # Called in the transaction that marks this mail as failed for good: because there is no such
    # address, or for any other reason.
    on_no_such_address: Callable[[Message, datetime], None] = _ignore
    on_failure: Callable[[Message, datetime], None] = _ignore
    # What `compose` reads beside the row, as arguments of `QuerySet.select_related`.
    select_related: tuple[str, ...] = ()

    def retry_delay(self, attempts: int) -> timedelta | None:
        """Return the delay after this many failed tries, or None if that was the last one."""
        return self.retry_delays[attempts - 1] if attempts <= len(self.retry_delays) else None

    def delay_when_put_off(self, message: Message, now: datetime) -> timedelta | None:
        """Return the delay after an address took nothing, or None if that was the last try."""
        delay = self.retry_delay(message.attempts)
        if delay or not self.tries_until_patience_ends:
            return delay
        if now - message.created_at >= self.patience:
            return None
        doublings = min(message.attempts - len(self.retry_delays), MAX_DOUBLINGS)
        return min(self.retry_delays[-1] * (1 << doublings), LONGEST_DELAY)

    def pause(self, message: Message) -> timedelta:
        """Return how long to wait after a failure that counts no try: longer than the last time."""
        last = message.due_at - message.refused_at if message.refused_at else timedelta(0)
        return min(max(last * 1.5, FIRST_PAUSE), self.retry_delays[-1])


PRERENDERED = Kind(
    name="prerendered",
    at_most_once=False,
    compose=build_from_payload,
    # A code in the mail lives for ten minutes: the last try comes before that.
    retry_delays=tuple(timedelta(seconds=seconds) for seconds in (10, 30, 120, 400)),
    # A weekend, and a day to notice.
    patience=timedelta(days=3),
    still_wanted=inside_window,
)

_registered: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    _registered[kind.name] = kind


def is_registered(name: str) -> bool:
    return name in _registered


def of(message: Message) -> Kind:
    return _registered.get(message.kind, PRERENDERED)


def wanted(now: datetime) -> Q:
    """Return a condition on Message rows: the kind of the row still wants it sent."""
    condition = ~Q(kind__in=list(_registered)) & PRERENDERED.still_wanted(now)
    for kind in _registered.values():
        condition |= Q(kind=kind.name) & kind.still_wanted(now)
    return condition


def select_related() -> list[str]:
    """Return what all kinds need, as arguments of `QuerySet.select_related`."""
    return sorted({name for kind in _registered.values() for name in kind.select_related})
