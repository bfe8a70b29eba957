import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from celery.exceptions import SoftTimeLimitExceeded
from django.db import transaction

from mail import kinds
from mail.emails import PAYLOAD
from mail.models import Heartbeat, Message, MessageQuerySet, State
from mail.relay import Answer, Relay
from vault.sealing import pack, ring

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

logger = logging.getLogger(__name__)

# As many mails as one crash may leave in doubt.
CHUNK = 20
BUDGET = timedelta(seconds=50)
HEARTBEAT = "mail"

Clock = Callable[[], datetime]


def post(
    *,
    kind: str,
    to: str,
    subject: str,
    text: str,
    html: str,
    now: datetime,
    person: "AbstractBaseUser | None" = None,
    key: str | None = None,
) -> None:
    """Put a finished mail into the outbox, in the caller's transaction. Nothing is sent here.

    A second mail with the same key is not stored.
    """
    if kinds.is_registered(kind):
        raise ValueError(f"Mail of the kind {kind!r} is put together when it is sent.")
    id = uuid4()
    contents = {"to": to, "subject": subject, "text": text, "html": html}
    message = Message(
        id=id,
        kind=kind,
        person_id=person.pk if person else None,
        key=key or f"{kind}:{id}",
        payload=ring().seal(PAYLOAD, id, pack(contents)),
        due_at=now,
        created_at=now,
    )
    Message.objects.bulk_create([message], ignore_conflicts=True)


def send_due(*, clock: Clock) -> int:
    """Send what is due, until nothing is left or the time is up. Returns how many were sent.

    Safe to run any number of times at once: a row is claimed by one run only.
    """
    now = clock()
    Heartbeat.objects.beat(HEARTBEAT, now=now)
    reap(now=now)
    if not Message.objects.due(now).exists():
        return 0
    relay = Relay()
    try:
        return _drain(relay, clock=clock, deadline=now + BUDGET)
    finally:
        relay.drop()


@transaction.atomic
def reap(*, now: datetime) -> None:
    """Settle what a process that is gone was sending: it may have arrived, or not."""
    for message in Message.objects.stuck(now).unlocked():
        row = Message.objects.filter(pk=message.pk)
        _settle(row, _outcome(message, Answer.UNKNOWN, now=now), now=now)


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
    due, wanted = Message.objects.due(now), kinds.wanted(now)
    with transaction.atomic():
        unwanted = list(due.filter(~wanted).unlocked().values_list("pk", flat=True)[:200])
        if unwanted:
            Message.objects.filter(pk__in=unwanted).skip("not wanted", now=now)
    claimed = due.filter(wanted).claim(now=now, limit=CHUNK)
    if not claimed:
        return []
    rows = Message.objects.filter(pk__in=claimed).order_by("due_at", "pk")
    return list(rows.select_related(*kinds.needs()) if kinds.needs() else rows)


@dataclass(frozen=True)
class Outcome:
    state: State
    reason: str = ""
    due_at: datetime | None = None


def _send_all(
    relay: Relay, messages: Sequence[Message], *, clock: Clock, deadline: datetime
) -> int:
    waiting = deque(messages)
    outcomes: dict[Outcome, list[Message]] = {}
    try:
        while waiting and clock() < deadline and relay.ready():
            message = waiting.popleft()
            outcomes.setdefault(_send(relay, message, clock=clock), []).append(message)
    finally:
        # A row that broke out of the loop in the middle stays as it is, for the reaper.
        _put_back(waiting)
        _record(outcomes, now=clock())
    return len(outcomes.get(Outcome(State.SENT), []))


def _send(relay: Relay, message: Message, *, clock: Clock) -> Outcome:
    kind = kinds.of(message)
    try:
        answer = relay.deliver(kind.compose(message))
    except kinds.Unwanted:
        return Outcome(State.SKIPPED, "not wanted")
    except SoftTimeLimitExceeded:
        raise
    except Exception as error:
        # One mail that cannot be put together must not hold up the others. The error's own text
        # may carry an address.
        logger.error("%s cannot be sent: %s", message, type(error).__name__)
        relay.drop()
        return Outcome(State.FAILED, "poison")
    if answer is Answer.GONE:
        kind.gone(message)
    return _outcome(message, answer, now=clock())


def _outcome(message: Message, answer: Answer, *, now: datetime) -> Outcome:
    kind = kinds.of(message)
    pause = kind.pause(message.attempts)
    if answer is Answer.ACCEPTED:
        return Outcome(State.SENT)
    if answer is Answer.UNKNOWN and (kind.at_most_once or pause is None):
        return Outcome(State.UNKNOWN, answer)
    if answer is Answer.GONE or pause is None:
        return Outcome(State.FAILED, answer)
    return Outcome(State.DUE, due_at=now + pause)


def _put_back(messages: Sequence[Message]) -> None:
    if messages:
        Message.objects.filter(pk__in=[message.pk for message in messages]).never_tried()


def _record(outcomes: dict[Outcome, list[Message]], *, now: datetime) -> None:
    for outcome, messages in outcomes.items():
        rows = Message.objects.filter(pk__in=[message.pk for message in messages])
        _settle(rows, outcome, now=now)


def _settle(rows: MessageQuerySet, outcome: Outcome, *, now: datetime) -> None:
    if outcome.state == State.DUE:
        rows.put_back(due_at=outcome.due_at)
    else:
        rows.filter(state=State.SENDING).end(outcome.state, reason=outcome.reason, now=now)
