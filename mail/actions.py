"""Queue mail and send it: claim, hand over, save the outcome (ADR 4)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from django.db import transaction

from mail import kinds
from mail.delivery_run import Clock, DeliveryRun
from mail.emails import MailContent, seal_payload
from mail.models import Heartbeat, Message
from mail.outcomes import outcome_of, save, with_retries
from mail.relay import Relay
from mail.relay_answers import Answer, Verdict

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

# A crash leaves at most this many mails in doubt.
CHUNK_SIZE = 20
# How many due mails one run checks for being still wanted.
LOOKAHEAD = 500
TIME_BUDGET = timedelta(seconds=50)
# How long rows in a final state are stored, and how many one run deletes after that.
RETENTION = timedelta(days=90)
TIDY_BATCH_SIZE = 5000
HEARTBEAT = "mail"


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
        run = DeliveryRun(relay, clock, deadline=now + TIME_BUDGET)
        _drain(run)
        return run.sent
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
        save([message], outcome_of(message, Answer(Verdict.UNKNOWN), now=now), now=now)


@transaction.atomic
def skip_unwanted(*, now: datetime) -> None:
    """Skip mail that is no longer wanted or whose window has closed.

    Only the next mails in sending order are checked: no others can be claimed in this run.
    """
    next_up = Message.objects.pending().filter(due_at__lte=now).in_sending_order()[:LOOKAHEAD]
    unwanted = Message.objects.filter(~kinds.wanted(now), pk__in=next_up.values("pk"))
    if locked := list(unwanted.lock_skipping_locked().values_list("pk", flat=True)):
        Message.objects.filter(pk__in=locked).skip("not wanted", now=now)


def _drain(run: DeliveryRun) -> None:
    # Connect before claiming: while the relay is down, no row is claimed and all stay due.
    while run.may_go_on():
        messages = _claim(now=run.clock())
        if not messages:
            break
        run.send(messages)


def _claim(*, now: datetime) -> Sequence[Message]:
    wanted = Message.objects.due(now).filter(kinds.wanted(now))
    claimed = wanted.claim(now=now, limit=CHUNK_SIZE)
    if not claimed:
        return []
    rows = Message.objects.filter(pk__in=claimed).in_sending_order()
    related = kinds.select_related()
    rows = rows.select_related(*related) if related else rows
    # A claimed row that cannot be read would count as begun.
    return with_retries(lambda: list(rows.all()))
