"""Hand claimed mail over, a chunk at a time, and decide what each answer means for the run."""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from celery.exceptions import SoftTimeLimitExceeded
from django.utils.functional import cached_property

from mail import kinds
from mail.addresses import CannotBeWritten, check_written_as_typed
from mail.models import Message
from mail.relay import MAX_PER_CONNECTION, Relay
from mail.relay_answers import SAYS_UNKNOWN, Answer, Verdict
from mail.retry_policy import NOT_TRIED, SENT, UNWANTED, UNWRITABLE, Outcome, outcome_of, put_back
from mail.save_outcomes import (
    DATABASE_IS_AWAY,
    save,
    save_later,
    save_outcomes,
    with_retries,
)

logger = logging.getLogger(__name__)

# So many days of perhaps no such address make it certain.
DAYS_IN_DOUBT = 3
# So many addresses called unknown, with no mail accepted, stop a run, and so many more for each
# that was called unknown in the runs before.
FIRST_DOUBTS, MORE_DOUBTS = 2, 4
# Mail to addresses that were all said not to exist is tried again one by one.
APART = timedelta(minutes=1)

Clock = Callable[[], datetime]


@dataclass
class _Chunk:
    """Claimed rows, and what is known about them so far."""

    waiting: deque[Message]
    outcomes: dict[Outcome, list[Message]] = field(default_factory=dict)
    # Said not to exist. Believed or not when the chunk is over.
    gone: list[tuple[Message, Answer]] = field(default_factory=list)

    @property
    def addresses_gone(self) -> int:
        return len({message.person_id or message.pk for message, _answer in self.gone})


@dataclass
class DeliveryRun:
    """One run of `send_due`: what it has sent, and whether it may go on."""

    relay: Relay
    clock: Clock
    deadline: datetime
    sent: int = 0
    # The relay refuses us, or we fail: the next mail would fail in the same way.
    is_stopped: bool = False
    # Whose addresses the relay calls unknown without having accepted other mail: people, or mails
    # to nobody we know.
    doubted: set[UUID] = field(default_factory=set)
    # The types of our own errors so far. Without a database every mail would fail.
    errors: set[str] = field(default_factory=lambda: {"OperationalError", "InterfaceError"})

    def may_go_on(self) -> bool:
        """Whether there is time left, and a relay."""
        has_time = not self.is_stopped and self.clock() < self.deadline
        return has_time and self.relay.ensure_connected()

    def send(self, messages: Sequence[Message]) -> None:
        """Send these claimed rows, or put them back."""
        chunk = _Chunk(deque(messages))
        try:
            while chunk.waiting and self.may_go_on():
                self._send_next(chunk)
        finally:
            chunk.outcomes.setdefault(NOT_TRIED, []).extend(chunk.waiting)
            self._save(chunk)

    def _save(self, chunk: _Chunk) -> None:
        now = self.clock()
        try:
            save_outcomes(chunk.outcomes, now=now)
            self._settle(chunk)
        except (*DATABASE_IS_AWAY, SoftTimeLimitExceeded):
            for message, answer in chunk.gone:
                save_later([message], put_back(message, answer, now=now), now=now)
            raise

    def _send_next(self, chunk: _Chunk) -> None:
        message = chunk.waiting.popleft()
        if message.is_past_window(self.clock()):
            return self._record(chunk, message, NOT_TRIED)
        try:
            answer = self._deliver(message)
        except kinds.Unwanted:
            self._record(chunk, message, UNWANTED)
        except CannotBeWritten:
            self._record(chunk, message, UNWRITABLE)
        except BaseException:
            # What may have arrived stays in `sending`, and the reaper settles it.
            if not self.relay.handed_over:
                chunk.waiting.appendleft(message)
            raise
        else:
            self._take(chunk, message, answer)

    def _deliver(self, message: Message) -> Answer:
        """Raises Unwanted, CannotBeWritten, and what is not about this mail:
        SoftTimeLimitExceeded."""
        self.relay.handed_over = False
        try:
            email = kinds.of(message).compose(message)
            for address in email.recipients():
                check_written_as_typed(address)
            self._check_still_wanted(message)
            return self.relay.deliver(email)
        except (kinds.Unwanted, CannotBeWritten, SoftTimeLimitExceeded):
            raise
        except Exception as error:
            # The text of the error may contain an address: log the type only.
            name = type(error).__name__[:40]
            logger.error("mail cannot be put together", extra={"kind": message.kind, "error": name})
            self.relay.disconnect()
            verdict = Verdict.UNKNOWN if self.relay.handed_over else Verdict.OUR_FAULT
            return Answer(verdict, name)

    def _check_still_wanted(self, message: Message) -> None:
        """Raises Unwanted if the mail was stopped, or its person erased, since it was claimed: they
        were told that nothing more comes."""
        kind = kinds.of(message)
        if not kind.at_most_once:
            return
        claimed = Message.objects.still_claimed([message])
        if not with_retries(claimed.filter(kind.still_wanted(self.clock())).exists):
            raise kinds.Unwanted

    def _take(self, chunk: _Chunk, message: Message, answer: Answer) -> None:
        if answer.verdict is Verdict.PERHAPS_NO_SUCH_ADDRESS:
            answer = self._decide_doubt(message, answer)
        if answer.verdict in SAYS_UNKNOWN:
            self._doubt_relay(message, answer)
        if answer.verdict is Verdict.NO_SUCH_ADDRESS:
            chunk.gone.append((message, answer))
            return
        if answer.verdict is Verdict.REFUSED and not self._is_refused_alone(message):
            self._stop(message, answer)
        if answer.verdict is Verdict.OUR_FAULT:
            # Once it may be this mail alone. Twice it is not.
            self.is_stopped = answer.reply in self.errors
            self.errors.add(answer.reply)
        self._record(chunk, message, outcome_of(message, answer, now=self.clock()))

    def _doubt_relay(self, message: Message, answer: Answer) -> None:
        """Stop if the relay calls several addresses unknown and accepts none: it may have lost its
        list of addresses.

        A relay that has accepted other mail in this run, or since it refused this one, knows its
        list. One that has not is asked of more addresses in each run, because codes to real ones
        may wait behind them.
        """
        if self.sent or self._is_refused_alone(message):
            return
        self.doubted.add(message.person_id or message.pk)
        if len(self.doubted) >= self._doubts_allowed:
            self._stop(message, answer)

    @cached_property
    def _doubts_allowed(self) -> int:
        """How many addresses may be called unknown in this run, counted when the first one is."""
        doubted = Message.objects.refused_since_accepted().said_of_others([], now=self.clock())
        before = with_retries(doubted[:MAX_PER_CONNECTION].count)
        return min(FIRST_DOUBTS + MORE_DOUBTS * before, MAX_PER_CONNECTION)

    def _is_refused_alone(self, message: Message) -> bool:
        """Whether the relay has accepted other mail since it refused this one the last time.

        If such mail stopped every run, a few odd addresses would hold up everybody's.
        """
        return with_retries(lambda: Message.objects.accepted_since(message.refused_at))

    def _record(self, chunk: _Chunk, message: Message, outcome: Outcome) -> None:
        self.sent += outcome == SENT
        if kinds.of(message).at_most_once:
            chunk.outcomes.setdefault(outcome, []).append(message)
        else:
            # If this process died before the end of the chunk, the mail would be sent again.
            save([message], outcome, now=self.clock())

    def _decide_doubt(self, message: Message, answer: Answer) -> Answer:
        """Believe an answer without a code only if the relay repeats it on other days."""
        days = with_retries(lambda: Message.objects.days_in_doubt(message))
        if len(days | {self.clock().astimezone(UTC).date()}) < DAYS_IN_DOUBT:
            return answer
        return replace(answer, verdict=Verdict.NO_SUCH_ADDRESS)

    def _settle(self, chunk: _Chunk) -> None:
        """Believe that an address does not exist, unless the relay says so of several.

        A relay that has lost its list of addresses says it of everybody.
        """
        if not chunk.gone:
            return
        now, messages = self.clock(), [message for message, _answer in chunk.gone]
        others = Message.objects.refused_since_accepted().said_of_others(messages, now=now)
        is_believed = chunk.addresses_gone == 1 and not with_retries(others.exists)
        for place, (message, answer) in enumerate(chunk.gone):
            if is_believed:
                outcome = outcome_of(message, answer, now=now)
            else:
                outcome = put_back(message, answer, now=now + place * APART)
            save([message], outcome, now=now)

    def _stop(self, message: Message, answer: Answer) -> None:
        self.is_stopped = True
        fields = {"kind": message.kind, "error": answer.reply.replace(" ", ":")}
        logger.error("relay refuses our mail, the rest waits", extra=fields)
