"""Decide what becomes of a mail after a try."""

from dataclasses import dataclass
from datetime import datetime

from mail import kinds
from mail.models import Message, State
from mail.relay_answers import Answer, Verdict

# The verdicts that count a try.
COUNTED = (Verdict.PUT_OFF, Verdict.UNKNOWN)


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
# Without an answer: the relay was not asked, so this says nothing about what it knows.
UNWRITABLE = Outcome(State.FAILED, Verdict.NO_SUCH_ADDRESS)


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
    if answer.verdict is Verdict.UNKNOWN:
        delay = None if kind.at_most_once else kind.retry_delay(message.attempts)
        if delay is None:
            return Outcome(State.UNKNOWN, answer.verdict, answer=answer)
    else:
        delay = kind.delay_when_put_off(message, now)
    if delay is None:
        return Outcome(State.FAILED, answer.verdict, answer=answer)
    return Outcome(State.DUE, due_at=now + delay, answer=answer)
