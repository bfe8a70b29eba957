"""Save what became of mail, while the database may be away."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

from celery.exceptions import SoftTimeLimitExceeded
from django.db import InterfaceError, OperationalError, connection, transaction

from mail import kinds
from mail.models import Message, State
from mail.relay_answers import Answer, Verdict
from mail.retry_policy import COUNTED, NOT_TRIED, SENT, Outcome

logger = logging.getLogger(__name__)

# For how many seconds a statement is retried while the database is down.
DATABASE_PATIENCE = 60
DATABASE_IS_AWAY = (OperationalError, InterfaceError)
Result = TypeVar("Result")


@dataclass(frozen=True)
class _Entry:
    messages: Sequence[Message]
    outcome: Outcome
    now: datetime


# What this process could not save because the database was away for longer.
_unsaved: list[_Entry] = []


def save_outcomes(outcomes: dict[Outcome, list[Message]], *, now: datetime) -> None:
    # Sent mail first: if saving another outcome raised before it, sent mail would go out again.
    in_order = sorted(outcomes, key=lambda outcome: outcome != SENT)
    _save_in_order([_Entry(outcomes[outcome], outcome, now) for outcome in in_order])


def save(messages: Sequence[Message], outcome: Outcome, *, now: datetime) -> None:
    """Save the outcome, with retries while the database restarts: mail that was sent goes out again
    if that is not saved."""
    _save_in_order([_Entry(messages, outcome, now)])


def save_later(messages: Sequence[Message], outcome: Outcome, *, now: datetime) -> None:
    """Leave the outcome to the next run of this process."""
    _unsaved.append(_Entry(messages, outcome, now))


def save_unsaved() -> None:
    """Save what an earlier run could not. Call it before rows in `sending` are settled as unknown:
    some were never begun.

    Rows that another process has settled or claimed meanwhile are left as they are.
    """
    entries = list(_unsaved)
    _unsaved.clear()
    _save_in_order(entries)


def _save_in_order(entries: Sequence[_Entry]) -> None:
    for place, entry in enumerate(entries):
        try:
            if entry.messages:
                with_retries(partial(_save, entry.messages, entry.outcome, now=entry.now))
        except (*DATABASE_IS_AWAY, SoftTimeLimitExceeded):
            _unsaved.extend(entries[place:])
            raise


def with_retries(act: Callable[[], Result]) -> Result:
    """Return the result, with retries on a new connection while the database restarts."""
    deadline = time.monotonic() + DATABASE_PATIENCE
    while True:
        try:
            return act()
        except DATABASE_IS_AWAY:
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
