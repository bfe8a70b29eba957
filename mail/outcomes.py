"""What becomes of a mail after a try, and saving it while the database may be away."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection, transaction

from mail import kinds
from mail.models import Message, State
from mail.relay_answers import Answer, Verdict

logger = logging.getLogger(__name__)

# For how many seconds a statement is retried while the database is down.
DATABASE_PATIENCE = 60
# The verdicts that count a try.
COUNTED = (Verdict.PUT_OFF, Verdict.UNKNOWN)
Result = TypeVar("Result")


@dataclass(frozen=True)
class Outcome:
    state: State
    reason: str = ""
    due_at: datetime | None = None
    # The answer to save, if the mail was not sent.
    answer: Answer | None = None


SENT = Outcome(State.SENT)
# Claimed but not tried.
NOT_TRIED = Outcome(State.DUE)
UNWANTED = Outcome(State.SKIPPED, "not wanted")


def outcome_of(message: Message, answer: Answer, *, now: datetime) -> Outcome:
    """Say what becomes of a claimed mail after this answer."""
    if answer.verdict is Verdict.ACCEPTED:
        return SENT
    if answer.verdict is Verdict.NO_SUCH_ADDRESS:
        return Outcome(State.FAILED, answer.verdict, answer=answer)
    if answer.verdict in COUNTED:
        return _after_a_counted_try(message, answer, now=now)
    return put_back(message, answer, now=now)


def put_back(message: Message, answer: Answer, *, now: datetime) -> Outcome:
    """Let the mail wait without counting a try: what went wrong is not about its address."""
    kind = kinds.of(message)
    if now - message.created_at >= kind.patience:
        is_doubted = answer.verdict is Verdict.NO_SUCH_ADDRESS
        reason = Verdict.REFUSED if is_doubted else answer.verdict
        return Outcome(State.FAILED, reason, answer=answer)
    due_at = now + kind.pause(message)
    if message.closes_at:
        # So that it is skipped, or moved to another window, when its own closes.
        due_at = min(due_at, message.closes_at)
    return Outcome(State.DUE, due_at=due_at, answer=answer)


def _after_a_counted_try(message: Message, answer: Answer, *, now: datetime) -> Outcome:
    kind = kinds.of(message)
    delay = kind.retry_delay(message.attempts)
    if answer.verdict is Verdict.UNKNOWN and (kind.at_most_once or delay is None):
        return Outcome(State.UNKNOWN, answer.verdict, answer=answer)
    if delay is None:
        return Outcome(State.FAILED, answer.verdict, answer=answer)
    return Outcome(State.DUE, due_at=now + delay, answer=answer)


def save_outcomes(outcomes: dict[Outcome, list[Message]], *, now: datetime) -> None:
    # Sent mail first: if saving another outcome raised before it, sent mail would go out again.
    for outcome in sorted(outcomes, key=lambda outcome: outcome != SENT):
        save(outcomes[outcome], outcome, now=now)


def save(messages: Sequence[Message], outcome: Outcome, *, now: datetime) -> None:
    """Save the outcome, with retries while the database restarts: mail that was sent goes out again
    if that is not saved."""
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
    if not messages:
        return
    rows = Message.objects.still_claimed(messages)
    if outcome.answer:
        _save_refusal(messages, outcome, outcome.answer, now=now)
    elif outcome == NOT_TRIED:
        rows.release()
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


def _fail(messages: Sequence[Message], reason: str, *, now: datetime) -> None:
    for message in messages:
        kind, row = kinds.of(message), Message.objects.still_claimed([message])
        if not row.end(State.FAILED, reason=reason, now=now):
            continue
        if reason == Verdict.NO_SUCH_ADDRESS:
            kind.on_no_such_address(message, now)
        else:
            kind.on_failure(message, now)
