"""The kinds of mail there are: how each is put together, until when it is wanted, how it retries.

Rooms above this one register theirs when the apps are ready. A kind that nobody registered is
ready-made mail: its address and words lie sealed in the row (see `actions.post`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.mail import EmailMessage
from django.db.models import Q

from mail.emails import ready_made
from mail.models import Message


class Unwanted(Exception):
    """Raised by a kind's `compose` where what the mail was about has gone meanwhile."""


def _always(now: datetime) -> Q:
    return Q()


def _until_it_closes(now: datetime) -> Q:
    return Q(closes_at=None) | Q(closes_at__gt=now)


def _nothing(message: Message) -> None:
    pass


def _nothing_more(message: Message, now: datetime) -> None:
    pass


@dataclass(frozen=True)
class Kind:
    name: str
    # Whether a second copy is worse than none: then an unanswered hand-over is never repeated.
    at_most_once: bool
    compose: Callable[[Message], EmailMessage]
    # The pause after each try that failed; after one more try the mail is given up.
    pauses: tuple[timedelta, ...]
    # A condition on Message rows: those that do not meet it are skipped, never sent.
    still_wanted: Callable[[datetime], Q] = _always
    # Called when the relay says that this address does not exist.
    gone: Callable[[Message], None] = _nothing
    # Called when this mail is given up for good: it did not arrive.
    failed: Callable[[Message, datetime], None] = _nothing_more
    # What `compose` reads beside the row, as `select_related` names it.
    needs: tuple[str, ...] = ()

    def pause(self, attempts: int) -> timedelta | None:
        """How long to wait after this many tries; None when it has had them all."""
        return self.pauses[attempts - 1] if attempts <= len(self.pauses) else None


# Someone is waiting for it, and a code in it lives for ten minutes: the last try comes before.
READY_MADE = Kind(
    name="ready-made",
    at_most_once=False,
    compose=ready_made,
    pauses=tuple(timedelta(seconds=pause) for pause in (10, 30, 120, 400)),
    still_wanted=_until_it_closes,
)

_registered: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    _registered[kind.name] = kind


def is_registered(name: str) -> bool:
    return name in _registered


def of(message: Message) -> Kind:
    return _registered.get(message.kind, READY_MADE)


def wanted(now: datetime) -> Q:
    """A condition on Message rows: still wanted by what their kind says."""
    condition = ~Q(kind__in=list(_registered)) & READY_MADE.still_wanted(now)
    for kind in _registered.values():
        condition |= Q(kind=kind.name) & kind.still_wanted(now)
    return condition


def needs() -> list[str]:
    return sorted({name for kind in _registered.values() for name in kind.needs})
