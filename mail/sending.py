"""Send the mail that is due: claim, hand over, save the outcome (ADR 4)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from celery.exceptions import SoftTimeLimitExceeded
from django.db import transaction

from mail import kinds
from mail.delivery_run import Clock, DeliveryRun
from mail.models import Heartbeat, Message
from mail.relay import Relay
from mail.relay_answers import Answer, Verdict
from mail.retry_policy import NOT_TRIED, outcome_of
from mail.save_outcomes import DATABASE_IS_AWAY, save, save_later, save_unsaved, with_retries

# A crash leaves at most this many mails in doubt.
CHUNK_SIZE = 20
# How many due mails one run checks for being still wanted.
LOOKAHEAD = 500
TIME_BUDGET = timedelta(seconds=50)
HEARTBEAT = "mail"
# For so long after the database was away, rows of other processes are not settled: those may live,
# and know what they have sent and what they have not begun.
SAVED_WITHIN = timedelta(seconds=30)
# When this process has last found the database away.
_last_away: list[datetime] = []


def send_due(*, clock: Clock) -> int:
    """Send due mail until none is left or the time is up. Returns the number sent.

    Concurrent runs are safe: each row is claimed by one of them.
    """
    try:
        return _send_due(clock)
    except DATABASE_IS_AWAY:
        _last_away[:] = [clock()]
        raise


def _send_due(clock: Clock) -> int:
    now = clock()
    Heartbeat.objects.beat(HEARTBEAT, now=now)
    save_unsaved()
    if not _was_away_lately(now):
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


def _was_away_lately(now: datetime) -> bool:
    return any(timedelta(0) <= now - at < SAVED_WITHIN for at in _last_away)


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
    try:
        return with_retries(lambda: list(rows.all()))
    except (*DATABASE_IS_AWAY, SoftTimeLimitExceeded):
        # A claimed row that cannot be read would count as begun.
        unread = [Message(pk=pk, sending_at=now) for pk in claimed]
        save_later(unread, NOT_TRIED, now=now)
        raise
