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
from mail.emails import Words, sealed
from mail.models import Heartbeat, Message, State
from mail.relay import Answer, Relay

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

logger = logging.getLogger(__name__)

# As many mails as one crash may leave in doubt.
CHUNK = 20
# How far one run looks ahead for mail that nobody wants any more.
AHEAD = 500
BUDGET = timedelta(seconds=50)
# How long it can be looked up that a mail was sent, and how many rows one run deletes after that.
KEPT = timedelta(days=90)
TIDIED = 5000
# For how many seconds a database that is away is waited for when something has left.
PATIENCE = 60
HEARTBEAT = "mail"

Clock = Callable[[], datetime]


def post(
    *,
    kind: str,
    to: str,
    words: Words,
    now: datetime,
    person: "AbstractBaseUser | None" = None,
    key: str | None = None,
    closes_at: datetime | None = None,
) -> None:
    """Put a finished mail into the outbox, in the caller's transaction. Nothing is sent here.

    A second mail with the same key is not stored. A mail with `closes_at` leaves before that
    moment or not at all.
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
    message.payload = sealed(message, to=to, words=words)
    Message.objects.bulk_create([message], ignore_conflicts=True)


def send_due(*, clock: Clock) -> int:
    """Send what is due, until nothing is left or the time is up. Returns how many were sent.

    Safe to run any number of times at once: a row is claimed by one run only.
    """
    now = clock()
    Heartbeat.objects.beat(HEARTBEAT, now=now)
    reap(now=now)
    sweep(now=now)
    if not Message.objects.due(now).exists():
        return 0
    relay = Relay()
    try:
        return _drain(relay, clock=clock, deadline=now + BUDGET)
    finally:
        relay.drop()


def tidy(*, now: datetime) -> int:
    """Delete rows of mail that has long been over, a batch of them. Returns how many.

    What is left waits for the next run, and two runs at once delete each row once.
    """
    old = Message.objects.over_for(KEPT, now=now).order_by("ended_at")
    batch = list(old.values_list("pk", flat=True)[:TIDIED])
    return Message.objects.filter(pk__in=batch).delete()[0]


@transaction.atomic
def reap(*, now: datetime) -> None:
    """Settle what a process that is gone was sending: it may have arrived, or not."""
    for message in Message.objects.stuck(now).lock_skipping_locked():
        _settle([message], _outcome(message, Answer.UNKNOWN, now=now), now=now)


@transaction.atomic
def sweep(*, now: datetime) -> None:
    """Close what nobody wants any more, also where its window is over.

    Looks at those whose turn is next: what stands further back is not claimed either.
    """
    ahead = Message.objects.waiting().filter(due_at__lte=now).in_turn()[:AHEAD]
    unwanted = Message.objects.filter(~kinds.wanted(now), pk__in=ahead.values("pk"))
    if found := list(unwanted.lock_skipping_locked().values_list("pk", flat=True)):
        Message.objects.filter(pk__in=found).skip("not wanted", now=now)


def _drain(relay: Relay, *, clock: Clock, deadline: datetime) -> int:
    sent = 0
    # The connection comes first: while there is none, nothing is claimed and every row stays due.
    while clock() < deadline and relay.ready():
        messages = _claim(now=clock())
        if not messages:
            break
        sent += _send_all(relay, messages, clock=clock, deadline=deadline)
    return sent


def _claim(*, now: datetime) -> Sequence[Message]:
    wanted = Message.objects.due(now).filter(kinds.wanted(now))
    claimed = wanted.claim(now=now, limit=CHUNK)
    if not claimed:
        return []
    rows = Message.objects.filter(pk__in=claimed).in_turn()
    return list(rows.select_related(*kinds.needs()) if kinds.needs() else rows)


@dataclass(frozen=True)
class Outcome:
    state: State
    reason: str = ""
    due_at: datetime | None = None


SENT = Outcome(State.SENT)
# Claimed and then left alone.
UNTOUCHED = Outcome(State.DUE)


def _send_all(
    relay: Relay, messages: Sequence[Message], *, clock: Clock, deadline: datetime
) -> int:
    waiting = deque(messages)
    outcomes: dict[Outcome, list[Message]] = {}
    sent = 0
    try:
        while waiting and clock() < deadline and relay.ready():
            message = waiting.popleft()
            outcome = _send(relay, message, clock=clock)
            sent += outcome == SENT
            if kinds.of(message).at_most_once:
                outcomes.setdefault(outcome, []).append(message)
            else:
                # If this process ended now, it would be sent again: it is written down at once.
                _record({outcome: [message]}, now=clock())
    finally:
        # A row that broke out of the loop in the middle stays as it is, for the reaper.
        outcomes.setdefault(UNTOUCHED, []).extend(waiting)
        _record(outcomes, now=clock())
    return sent


def _send(relay: Relay, message: Message, *, clock: Clock) -> Outcome:
    kind = kinds.of(message)
    if message.is_closed(clock()):
        return UNTOUCHED
    try:
        answer = relay.deliver(kind.compose(message))
    except kinds.Unwanted:
        return Outcome(State.SKIPPED, "not wanted")
    except SoftTimeLimitExceeded:
        raise
    except Exception as error:
        # One mail that cannot be put together must not hold up the others. The error's own text
        # may carry an address.
        said = {"kind": message.kind, "error": type(error).__name__}
        logger.error("mail cannot be put together", extra=said)
        relay.drop()
        return Outcome(State.FAILED, "poison")
    if answer is Answer.GONE:
        kind.gone(message)
    return _outcome(message, answer, now=clock())


def _outcome(message: Message, answer: Answer, *, now: datetime) -> Outcome:
    kind = kinds.of(message)
    pause = kind.pause(message.attempts)
    if answer is Answer.ACCEPTED:
        return SENT
    if answer is Answer.UNKNOWN and (kind.at_most_once or pause is None):
        return Outcome(State.UNKNOWN, answer)
    if answer is Answer.GONE or pause is None:
        return Outcome(State.FAILED, answer)
    return Outcome(State.DUE, due_at=now + pause)


def _record(outcomes: dict[Outcome, list[Message]], *, now: datetime) -> None:
    # What has left is written down first: nothing that fails after it may make it leave again.
    for outcome in sorted(outcomes, key=lambda outcome: outcome != SENT):
        _insist(outcomes[outcome], outcome, now=now)


def _insist(messages: Sequence[Message], outcome: Outcome, *, now: datetime) -> None:
    """Settle these, also where the database is being restarted meanwhile: what has left and is not
    written down might leave again."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return _settle(messages, outcome, now=now)
        except (OperationalError, InterfaceError):
            if connection.in_atomic_block or time.monotonic() > deadline:
                raise
            logger.warning("database is away, what has left is not written down yet")
            connection.close()
            time.sleep(1)


def _settle(messages: Sequence[Message], outcome: Outcome, *, now: datetime) -> None:
    if not messages:
        return
    rows = Message.objects.claimed_with(messages)
    if outcome == UNTOUCHED:
        rows.never_tried()
    elif outcome.due_at:
        rows.put_back(due_at=outcome.due_at)
    elif outcome.state == State.FAILED:
        _give_up(messages, outcome.reason, now=now)
    else:
        rows.end(outcome.state, reason=outcome.reason, now=now)


@transaction.atomic
def _give_up(messages: Sequence[Message], reason: str, *, now: datetime) -> None:
    for message in messages:
        row = Message.objects.claimed_with([message])
        if row.end(State.FAILED, reason=reason, now=now):
            kinds.of(message).failed(message, now)
