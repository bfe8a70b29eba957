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


class Unwanted(Exception):
    """Raised by a kind's `compose` if the reason for the mail no longer exists."""


def _always(now: datetime) -> Q:
    return Q()


def _ignore(message: Message) -> None:
    pass


def _ignore_failure(message: Message, now: datetime) -> None:
    pass


@dataclass(frozen=True)
class Kind:
    name: str
    # A second copy is worse than none: a delivery without an answer is not retried.
    at_most_once: bool
    compose: Callable[[Message], EmailMessage]
    # The delay after each failed try. The try after the last delay is the last one.
    retry_delays: tuple[timedelta, ...]
    # A condition on Message rows. Rows that do not meet it are skipped.
    still_wanted: Callable[[datetime], Q] = _always
    # Called when the relay answers that the address does not exist.
    on_no_such_address: Callable[[Message], None] = _ignore
    # Called in the transaction that marks this mail as failed for good.
    on_failure: Callable[[Message, datetime], None] = _ignore_failure
    # What `compose` reads beside the row, as arguments of `QuerySet.select_related`.
    select_related: tuple[str, ...] = ()

    def retry_delay(self, attempts: int) -> timedelta | None:
        """Return the delay after this many failed tries, or None if that was the last one."""
        return self.retry_delays[attempts - 1] if attempts <= len(self.retry_delays) else None


PRERENDERED = Kind(
    name="prerendered",
    at_most_once=False,
    compose=build_from_payload,
    # A code in the mail lives for ten minutes: the last try comes before that.
    retry_delays=tuple(timedelta(seconds=seconds) for seconds in (10, 30, 120, 400)),
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
