"""When a note is due. Pure functions on dates, hours and zones: no database, no clock (ADR 12).

A note belongs to a date in the person's own time zone. Only `quiet_hours.to_utc` turns a wall time
into a moment, never SQL: databases resolve a wall time that occurs twice differently.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum, auto
from hashlib import blake2b
from uuid import UUID
from zoneinfo import ZoneInfo

from mail.quiet_hours import DAY_END, DAY_START, is_quiet, to_utc

# Days without a visit before each note: the first after the last visit, the others after the
# previous note. After the fifth note nothing more is sent.
GAPS = (3, 3, 7, 14, 30)
# Notes of one hour are spread over this many minutes after it.
SPREAD_MINUTES = 120
# A note that would be later than this is skipped.
MAX_DELAY = timedelta(hours=36)
# The ceiling: at most so many notes in any period of this length.
MAX_NOTES, CEILING_PERIOD = 2, timedelta(days=7)
# However long a pause is, a visit may bring the next note forward to this many days from today.
RECHECK_AFTER = timedelta(days=min(GAPS))


@dataclass(frozen=True)
class Slot:
    """The hour of the day, in a zone, around which this person gets notes."""

    person: UUID
    hour: int
    zone: ZoneInfo


@dataclass(frozen=True)
class RhythmState:
    """How far a person is in the rhythm. All dates are dates in their zone."""

    # Their last visit, or the day they turned notes on.
    active_on: date
    # The day of the last note, sent or skipped.
    last_on: date | None = None
    # Notes since the last visit.
    unanswered: int = 0
    # Days of the last week that had a note.
    recent: Collection[date] = ()


class Decision(Enum):
    WAIT = auto()
    SEND = auto()
    # It is too late for this note.
    SKIP = auto()
    # The last note has been sent, no other follows.
    FINISHED = auto()


def due_at(slot: Slot, day: date) -> datetime:
    """Return when the note of this day is due. Never in quiet hours."""
    minutes = min(SPREAD_MINUTES, 60 * (DAY_END.hour - slot.hour))
    hours, minute = divmod(_stable_number(slot.person, day) % minutes, 60)
    at = to_utc(day, time(slot.hour + hours, minute), slot.zone)
    return _after_quiet_hours(at, slot.zone)


def next_due_at(slot: Slot, now: datetime) -> datetime:
    """Return the first moment after `now` at which a note of any day would be due."""
    day = now.astimezone(slot.zone).date()
    while due_at(slot, day) <= now:
        day += timedelta(days=1)
    return due_at(slot, day)


def next_note_on(state: RhythmState) -> date | None:
    """Return the day of the next note if no visit comes before it, or None after the last note."""
    if state.unanswered >= len(GAPS):
        return None
    start = max(state.active_on, state.last_on or state.active_on)
    day = start + timedelta(days=GAPS[state.unanswered])
    while not _is_under_ceiling(day, state.recent):
        day += timedelta(days=1)
    return day


def decide(state: RhythmState, slot: Slot, now: datetime) -> Decision:
    """Decide what happens to this person's next note now."""
    day = next_note_on(state)
    if day is None:
        return Decision.FINISHED
    delay = now - due_at(slot, day)
    if delay > MAX_DELAY:
        return Decision.SKIP
    if delay < timedelta(0) or is_quiet(now, slot.zone):
        return Decision.WAIT
    return Decision.SEND


def next_check_at(state: RhythmState, slot: Slot, now: datetime) -> datetime | None:
    """Return when to decide about this person again, or None after the last note."""
    day = next_note_on(state)
    if day is None:
        return None
    recheck_at = due_at(slot, now.astimezone(slot.zone).date() + RECHECK_AFTER)
    at = due_at(slot, day)
    return min(at if at > now else next_due_at(slot, now), recheck_at)


def _is_under_ceiling(day: date, recent: Collection[date]) -> bool:
    period = [other for other in recent if day - CEILING_PERIOD < other <= day]
    return day not in period and len(period) < MAX_NOTES


def _after_quiet_hours(at: datetime, zone: ZoneInfo) -> datetime:
    """Return this moment, or the end of the quiet hours it falls into."""
    if not is_quiet(at, zone):
        return at
    local = at.astimezone(zone)
    day = local.date() if local.time() < DAY_START else local.date() + timedelta(days=1)
    return to_utc(day, DAY_START, zone)


def _stable_number(person: UUID, day: date) -> int:
    """Return a number that is the same for this person and day on every machine."""
    digest = blake2b(f"{person}:{day}".encode(), digest_size=8).digest()
    return int.from_bytes(digest)
