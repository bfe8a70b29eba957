"""When a note is due. Pure: dates, hours and zones in, moments out; no database, no clock.

A note belongs to a date in the person's own zone. Its wall time becomes a moment by one rule: a
time that the clocks skip moves forward by as much as they do, a time that comes twice is its
first. Databases answer the second case differently, so none of this is asked of them.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum, auto
from hashlib import blake2b
from uuid import UUID
from zoneinfo import ZoneInfo

from mail.quiet_hours import CLOSES, OPENS, is_quiet, moment

# Days without a visit before each note: the first after the last visit, the others after the
# note before. After the fifth there is silence.
GAPS = (3, 3, 7, 14, 30)
# Notes of one hour are spread over this many minutes after it.
SPREAD = 120
# A note that would be later than this is let go.
LATEST = timedelta(hours=36)
# The ceiling: so many notes in so many days running.
MOST, WITHIN = 2, timedelta(days=7)
# However long a pause is, a visit may bring the next note forward to this many days from today.
LOOK_AGAIN = timedelta(days=min(GAPS))


@dataclass(frozen=True)
class Wish:
    """Around what time, in which zone, for whom."""

    person: UUID
    hour: int
    zone: ZoneInfo


@dataclass(frozen=True)
class Standing:
    """Where somebody is in the rhythm. All dates are dates in their zone."""

    # Their last visit, or the day they chose notes.
    here_on: date
    # The last turn of the rhythm, if there was one.
    last_on: date | None = None
    # Notes since the last visit.
    unanswered: int = 0
    # Days of the last week that had a note.
    recent: Collection[date] = ()


class Verdict(Enum):
    WAIT = auto()
    SEND = auto()
    # It is too late for this one.
    STALE = auto()
    # The last note has gone; nothing more will come.
    QUIET = auto()


def due(wish: Wish, day: date) -> datetime:
    """When the note of this day is due. Never in quiet hours."""
    minutes = min(SPREAD, 60 * (CLOSES.hour - wish.hour))
    shift = divmod(_steady(wish.person, day) % minutes, 60)
    at = time(wish.hour + shift[0], shift[1])
    return _awake(moment(day, at, wish.zone), wish.zone)


def next_turn(wish: Wish, now: datetime) -> datetime:
    """The next time after now that their hour comes round."""
    day = now.astimezone(wish.zone).date()
    while due(wish, day) <= now:
        day += timedelta(days=1)
    return due(wish, day)


def next_note_on(standing: Standing) -> date | None:
    """The day of the next note if they do not come back before; None when there is none."""
    if standing.unanswered >= len(GAPS):
        return None
    start = max(standing.here_on, standing.last_on or standing.here_on)
    day = start + timedelta(days=GAPS[standing.unanswered])
    while not _allowed(day, standing.recent):
        day += timedelta(days=1)
    return day


def decide(standing: Standing, wish: Wish, now: datetime) -> Verdict:
    """What to do about this person now."""
    day = next_note_on(standing)
    if day is None:
        return Verdict.QUIET
    late = now - due(wish, day)
    if late > LATEST:
        return Verdict.STALE
    if late < timedelta(0) or is_quiet(now, wish.zone):
        return Verdict.WAIT
    return Verdict.SEND


def look_at(standing: Standing, wish: Wish, now: datetime) -> datetime | None:
    """When to decide about this person next; None when there is nothing left to decide."""
    day = next_note_on(standing)
    if day is None:
        return None
    again = due(wish, now.astimezone(wish.zone).date() + LOOK_AGAIN)
    next_due = due(wish, day)
    return min(next_due if next_due > now else next_turn(wish, now), again)


def _allowed(day: date, recent: Collection[date]) -> bool:
    week = [other for other in recent if day - WITHIN < other <= day]
    return day not in week and len(week) < MOST


def _awake(at: datetime, zone: ZoneInfo) -> datetime:
    """This moment, or the next end of quiet hours where it falls into them."""
    if not is_quiet(at, zone):
        return at
    local = at.astimezone(zone)
    day = local.date() if local.time() < OPENS else local.date() + timedelta(days=1)
    return moment(day, OPENS, zone)


def _steady(person: UUID, day: date) -> int:
    """A number that is the same for this person and day on every machine."""
    digest = blake2b(f"{person}:{day}".encode(), digest_size=8).digest()
    return int.from_bytes(digest)
