"""Queue mail and send it: claim, hand over, save the outcome (ADR 4)."""

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from celery.exceptions import SoftTimeLimitExceeded
from django.db import InterfaceError, OperationalError, connection, transaction

from mail import kinds
from mail.emails import MailContent, seal_payload
from mail.models import Heartbeat, Message, State
from mail.relay import DeliveryStatus, Relay

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

logger = logging.getLogger(__name__)

# A crash leaves at most this many mails in doubt.
CHUNK_SIZE = 20
# How many due mails one run checks for being still wanted.
LOOKAHEAD = 500
TIME_BUDGET = timedelta(seconds=50)
# How long rows in a final state are stored, and how many one run deletes after that.
RETENTION = timedelta(days=90)
TIDY_BATCH_SIZE = 5000
# For how many seconds saving an outcome is retried while the database is down.
DATABASE_PATIENCE = 60
HEARTBEAT = "mail"

Clock = Callable[[], datetime]


def enqueue(
    *,
    kind: str,
    to: str,
    content: MailContent,
    now: datetime,
    person: "AbstractBaseUser | None" = None,
    key: str | None = None,
    closes_at: datetime | None = None,
) -> None:
    """Put a prerendered mail into the outbox, in the caller's transaction. Nothing is sent here.

    A second mail with the same key is not stored. With `closes_at` it is sent before that moment
    or not at all.
    """
    if kinds.is_registered(kind):
        raise ValueError(f"Mail of the kind {kind!r} is put together when it is sent.")
    id = uuid4()
    message = Message(
        id=id,
        kind=kind,
        person_id=person.pk if person else None,
        key=key or f"{kind}:{id}",
        due_at=now,
        closes_at=closes_at,
        created_at=now,
    )
    message.payload = seal_payload(message, to=to, content=content)
    Message.objects.bulk_create([message], ignore_conflicts=True)


def send_due(*, clock: Clock) -> int:
    """Send due mail until none is left or the time is up. Returns the number sent.

    Concurrent runs are safe: each row is claimed by one of them.
    """
    now = clock()
    Heartbeat.objects.beat(HEARTBEAT, now=now)
    reap(now=now)
    skip_unwanted(now=now)
    if not Message.objects.due(now).exists():
        return 0
    relay = Relay()
    try:
        return _drain(relay, clock=clock, deadline=now + TIME_BUDGET)
    finally:
        relay.disconnect()


def tidy(*, now: datetime) -> int:
    """Delete one batch of rows past their retention. Returns the number deleted.

    Concurrent runs are safe, and the next run continues where this one stopped.
    """
    old = Message.objects.ended_for(RETENTION, now=now).order_by("ended_at")
    batch = list(old.values_list("pk", flat=True)[:TIDY_BATCH_SIZE])
    return Message.objects.filter(pk__in=batch).delete()[0]


@transaction.atomic
def reap(*, now: datetime) -> None:
    """Settle the rows of a process that died while sending: they may have been delivered."""
    for message in Message.objects.stuck(now).lock_skipping_locked():
        outcome = _outcome(message, DeliveryStatus.UNKNOWN, now=now)
        _save_outcome([message], outcome, now=now)


@transaction.atomic
def skip_unwanted(*, now: datetime) -> None:
    """Skip mail that is no longer wanted or whose window has closed.

    Only the next mails in sending order are checked: no others can be claimed in this run.
    """
    next_up = Message.objects.pending().filter(due_at__lte=now).in_sending_order()[:LOOKAHEAD]
    unwanted = Message.objects.filter(~kinds.wanted(now), pk__in=next_up.values("pk"))
    if locked := list(unwanted.lock_skipping_locked().values_list("pk", flat=True)):
        Message.objects.filter(pk__in=locked).skip("not wanted", now=now)


def _drain(relay: Relay, *, clock: Clock, deadline: datetime) -> int:
    sent = 0
    # Connect before claiming: while the relay is down, no row is claimed and all stay due.
    while clock() < deadline and relay.ensure_connected():
        messages = _claim(now=clock())
        if not messages:
            break
        sent += _send_all(relay, messages, clock=clock, deadline=deadline)
    return sent


def _claim(*, now: datetime) -> Sequence[Message]:
    wanted = Message.objects.due(now).filter(kinds.wanted(now))
    claimed = wanted.claim(now=now, limit=CHUNK_SIZE)
    if not claimed:
        return []
    rows = Message.objects.filter(pk__in=claimed).in_sending_order()
    related = kinds.select_related()
    return list(rows.select_related(*related) if related else rows)


@dataclass(frozen=True)
class Outcome:
    state: State
    reason: str = ""
    due_at: datetime | None = None


SENT = Outcome(State.SENT)
# Claimed but not tried.
NOT_TRIED = Outcome(State.DUE)


def _send_all(
    relay: Relay, messages: Sequence[Message], *, clock: Clock, deadline: datetime
) -> int:
    waiting = deque(messages)
    outcomes: dict[Outcome, list[Message]] = {}
    sent = 0
    try:
        while waiting and clock() < deadline and relay.ensure_connected():
            message = waiting.popleft()
            outcome = _send(relay, message, clock=clock)
            sent += outcome == SENT
            if kinds.of(message).at_most_once:
                outcomes.setdefault(outcome, []).append(message)
            else:
                # If this process died before the end of the chunk, the mail would be sent again.
                _save_outcomes({outcome: [message]}, now=clock())
    finally:
        # The row that raised stays in `sending`; the reaper settles it.
        outcomes.setdefault(NOT_TRIED, []).extend(waiting)
        _save_outcomes(outcomes, now=clock())
    return sent


def _send(relay: Relay, message: Message, *, clock: Clock) -> Outcome:
    kind = kinds.of(message)
    if message.is_past_window(clock()):
        return NOT_TRIED
    try:
        status = relay.deliver(kind.compose(message))
    except kinds.Unwanted:
        return Outcome(State.SKIPPED, "not wanted")
    except SoftTimeLimitExceeded:
        raise
    except Exception as error:
        # One mail that cannot be built must not block the others. Log the type only: the text of
        # the error may contain an address.
        fields = {"kind": message.kind, "error": type(error).__name__}
        logger.error("mail cannot be put together", extra=fields)
        relay.disconnect()
        return Outcome(State.FAILED, "poison")
    if status is DeliveryStatus.NO_SUCH_ADDRESS:
        kind.on_no_such_address(message)
    return _outcome(message, status, now=clock())


def _outcome(message: Message, status: DeliveryStatus, *, now: datetime) -> Outcome:
    kind = kinds.of(message)
    delay = kind.retry_delay(message.attempts)
    if status is DeliveryStatus.ACCEPTED:
        return SENT
    if status is DeliveryStatus.UNKNOWN and (kind.at_most_once or delay is None):
        return Outcome(State.UNKNOWN, status)
    if status is DeliveryStatus.NO_SUCH_ADDRESS or delay is None:
        return Outcome(State.FAILED, status)
    return Outcome(State.DUE, due_at=now + delay)


def _save_outcomes(outcomes: dict[Outcome, list[Message]], *, now: datetime) -> None:
    # Sent mail first: if saving another outcome raised before it, sent mail would go out again.
    for outcome in sorted(outcomes, key=lambda outcome: outcome != SENT):
        _save_with_retries(outcomes[outcome], outcome, now=now)


def _save_with_retries(messages: Sequence[Message], outcome: Outcome, *, now: datetime) -> None:
    """Save the outcome, with retries while the database restarts: mail that was sent goes out again
    if that is not saved."""
    deadline = time.monotonic() + DATABASE_PATIENCE
    while True:
        try:
            return _save_outcome(messages, outcome, now=now)
        except (OperationalError, InterfaceError):
            if connection.in_atomic_block or time.monotonic() > deadline:
                raise
            logger.warning("database is away, what has left is not written down yet")
            connection.close()
            time.sleep(1)


def _save_outcome(messages: Sequence[Message], outcome: Outcome, *, now: datetime) -> None:
    if not messages:
        return
    rows = Message.objects.still_claimed(messages)
    if outcome == NOT_TRIED:
        rows.release()
    elif outcome.due_at:
        rows.retry_at(outcome.due_at)
    elif outcome.state == State.FAILED:
        _fail(messages, outcome.reason, now=now)
    else:
        rows.end(outcome.state, reason=outcome.reason, now=now)


@transaction.atomic
def _fail(messages: Sequence[Message], reason: str, *, now: datetime) -> None:
    for message in messages:
        row = Message.objects.still_claimed([message])
        if row.end(State.FAILED, reason=reason, now=now):
            kinds.of(message).on_failure(message, now)
