"""Save what became of mail, while the database may be away."""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection, transaction

from mail import kinds
from mail.models import Message, State
from mail.relay_answers import Answer, Verdict
from mail.retry_policy import COUNTED, NOT_TRIED, SENT, Outcome

logger = logging.getLogger(__name__)

# For how many seconds a statement is retried while the database is down.
DATABASE_PATIENCE = 60
Result = TypeVar("Result")


def save_outcomes(outcomes: dict[Outcome, list[Message]], *, now: datetime) -> None:
    # Sent mail first: if saving another outcome raised before it, sent mail would go out again.
    for outcome in sorted(outcomes, key=lambda outcome: outcome != SENT):
        save(outcomes[outcome], outcome, now=now)


def save(messages: Sequence[Message], outcome: Outcome, *, now: datetime) -> None:
    """Save the outcome, with retries while the database restarts: mail that was sent goes out again
    if that is not saved."""
    if messages:
        with_retries(lambda: _save(messages, outcome, now=now))


def with_retries(act: Callable[[], Result]) -> Result:
    """Return the result, with retries on a new connection while the database restarts."""
    deadline = time.monotonic() + DATABASE_PATIENCE
    while True:
        try:
            return act()
        except (OperationalError, InterfaceError):
            if connection.in_atomic_block or time.monotonic() > deadline:
                raise
            logger.warning("database is away, what has left is not written down yet")
            connection.close()
            time.sleep(1)


def _save(messages: Sequence[Message], outcome: Outcome, *, now: datetime) -> None:
    # That a mail was sent is one statement and no transaction: once the database has it, it is
    # saved even if this process is killed, and the mail does not go out again.
    rows = Message.objects.still_claimed(messages)
    if outcome.answer:
        _save_refusal(messages, outcome, outcome.answer, now=now)
    elif outcome == NOT_TRIED:
        rows.release()
    elif outcome.state == State.FAILED:
        _fail(messages, outcome.reason, now=now)
    else:
        rows.end(outcome.state, reason=outcome.reason, now=now)


@transaction.atomic
def _save_refusal(
    messages: Sequence[Message], outcome: Outcome, answer: Answer, *, now: datetime
) -> None:
    rows = Message.objects.still_claimed(messages)
    rows.record_refusal(answer, now=now)
    if outcome.state == State.FAILED:
        _fail(messages, outcome.reason, now=now)
    elif outcome.due_at is None:
        rows.end(outcome.state, reason=outcome.reason, now=now)
    elif answer.verdict in COUNTED:
        rows.retry_at(outcome.due_at)
    else:
        rows.put_back(outcome.due_at)


@transaction.atomic
def _fail(messages: Sequence[Message], reason: str, *, now: datetime) -> None:
    for message in messages:
        kind, row = kinds.of(message), Message.objects.still_claimed([message])
        if not row.end(State.FAILED, reason=reason, now=now):
            continue
        if reason == Verdict.NO_SUCH_ADDRESS:
            kind.on_no_such_address(message, now)
        else:
            kind.on_failure(message, now)
