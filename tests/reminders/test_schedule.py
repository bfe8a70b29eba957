from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mail.quiet_hours import DAY_END, DAY_HOURS, DAY_START, day_end, is_quiet, to_utc
from reminders.schedule import (
    GAPS,
    Decision,
    RhythmState,
    Slot,
    decide,
    due_at,
    next_check_at,
    next_due_at,
    next_note_on,
)

ANNA = UUID("8d3b2f5e-3c7e-4a39-9a38-0f9b9d0c2a11")
BERLIN = ZoneInfo("Europe/Berlin")
APIA = ZoneInfo("Pacific/Apia")


# --- Wall time -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "at", "zone", "utc", "shown"),
    [
        ("2026-03-29", "02:30", "Europe/Berlin", "2026-03-29 01:30", "2026-03-29 03:30"),
        ("2026-10-25", "02:30", "Europe/Berlin", "2026-10-25 00:30", "2026-10-25 02:30"),
        ("2026-03-08", "02:30", "America/New_York", "2026-03-08 07:30", "2026-03-08 03:30"),
        ("2026-11-01", "01:30", "America/New_York", "2026-11-01 05:30", "2026-11-01 01:30"),
        ("2026-10-04", "02:15", "Australia/Lord_Howe", "2026-10-03 15:45", "2026-10-04 02:45"),
        ("2026-04-05", "01:45", "Australia/Lord_Howe", "2026-04-04 14:45", "2026-04-05 01:45"),
        ("2026-04-24", "00:30", "Africa/Cairo", "2026-04-23 22:30", "2026-04-24 01:30"),
        ("2026-10-29", "23:30", "Africa/Cairo", "2026-10-29 20:30", "2026-10-29 23:30"),
        ("2026-09-06", "00:10", "America/Santiago", "2026-09-06 04:10", "2026-09-06 01:10"),
        ("2011-12-30", "09:00", "Pacific/Apia", "2011-12-30 19:00", "2011-12-31 09:00"),
        ("2026-03-28", "09:00", "Europe/Berlin", "2026-03-28 08:00", "2026-03-28 09:00"),
        ("2026-03-29", "09:00", "Europe/Berlin", "2026-03-29 07:00", "2026-03-29 09:00"),
        ("2026-06-01", "09:00", "Asia/Kathmandu", "2026-06-01 03:15", "2026-06-01 09:00"),
    ],
)
def test_skipped_wall_time_moves_forward_and_a_repeated_one_is_its_first(
    day: str, at: str, zone: str, utc: str, shown: str
) -> None:
    found = to_utc(date.fromisoformat(day), time.fromisoformat(at), ZoneInfo(zone))

    assert f"{found:%Y-%m-%d %H:%M}" == utc
    assert f"{found.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}" == shown


def test_notes_are_spread_over_two_hours_the_same_way_every_time() -> None:
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(400)]
    slot = Slot(ANNA, 9, BERLIN)
    minutes = [due_at(slot, day).astimezone(BERLIN) for day in days]
    after = [(at.hour - 9) * 60 + at.minute for at in minutes]

    assert minutes == [due_at(slot, day).astimezone(BERLIN) for day in days]
    assert (min(after) < 10, max(after) >= 110, len(set(after)) > 80) == (True, True, True)


def test_note_of_the_last_hour_is_due_before_the_quiet_hours() -> None:
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(400)]
    shown = {due_at(Slot(ANNA, 19, BERLIN), day).astimezone(BERLIN).hour for day in days}

    assert shown == {19}


def test_quiet_hours_are_eight_to_eight() -> None:
    def quiet(text: str) -> bool:
        return is_quiet(datetime.fromisoformat(text).replace(tzinfo=BERLIN), BERLIN)

    asked = ["2026-03-12 07:59", "2026-03-12 08:00", "2026-03-12 19:59", "2026-03-12 20:00"]
    assert [quiet(text) for text in asked] == [True, False, False, True]


# --- The rhythm ----------------------------------------------------------------------------


def note_days(
    slot: Slot, start: datetime, days: int, visits: frozenset[int] = frozenset()
) -> list[date]:
    """The dates of the notes for somebody who turned them on at `start` and visited at noon of the
    days `visits`, counted from the first. Decides whenever the schedule is to be checked."""
    first = start.astimezone(slot.zone).date()
    noons = [to_utc(first + timedelta(days=day), time(12), slot.zone) for day in sorted(visits)]
    seen, unanswered, last_on, notes = start, 0, None, []
    at: datetime | None = next_check_at(RhythmState(active_on=first), slot, start)
    while at and at < start + timedelta(days=days):
        last_visit = max([start, *(noon for noon in noons if noon <= at)])
        if last_visit != seen:
            seen, unanswered = last_visit, 0
        state = RhythmState(
            last_visit.astimezone(slot.zone).date(), last_on, unanswered, tuple(notes)
        )
        decision = decide(state, slot, at)
        if decision is Decision.SEND:
            last_on = at.astimezone(slot.zone).date()
            notes.append(last_on)
            unanswered += 1
        state = RhythmState(state.active_on, last_on, unanswered, tuple(notes))
        following = next_check_at(state, slot, at)
        assert following is None or following > at
        at = following
    return notes


def offsets(notes: list[date], start: datetime, zone: ZoneInfo) -> list[int]:
    return [(day - start.astimezone(zone).date()).days for day in notes]


START = datetime(2026, 3, 12, 9, 0, tzinfo=UTC)


def test_five_notes_are_sent_without_a_visit_and_then_none() -> None:
    notes = note_days(Slot(ANNA, 9, BERLIN), START, days=400)

    assert offsets(notes, START, BERLIN) == [3, 6, 13, 27, 57]


def test_visit_restarts_the_rhythm_however_long_the_pause_was() -> None:
    notes = note_days(Slot(ANNA, 9, BERLIN), START, days=60, visits=frozenset({30}))

    # Without the visit the next one would be on day 57.
    assert offsets(notes, START, BERLIN) == [3, 6, 13, 27, 33, 36, 43, 57]


def test_no_note_is_sent_to_somebody_who_visits_every_other_day() -> None:
    assert note_days(Slot(ANNA, 9, BERLIN), START, days=60, visits=frozenset(range(0, 60, 2))) == []


def test_third_note_within_a_week_waits() -> None:
    # A visit on the day of each note: without a ceiling it would be 3, 6, 9, 12.
    notes = note_days(Slot(ANNA, 9, BERLIN), START, days=14, visits=frozenset({3, 6, 10, 13}))

    assert offsets(notes, START, BERLIN) == [3, 6, 10, 13]


def test_note_more_than_a_day_and_a_half_late_is_skipped() -> None:
    slot = Slot(ANNA, 9, BERLIN)
    state = RhythmState(active_on=date(2026, 3, 12))
    planned = due_at(slot, date(2026, 3, 15))

    assert decide(state, slot, planned - timedelta(seconds=1)) is Decision.WAIT
    assert decide(state, slot, planned) is Decision.SEND
    assert decide(state, slot, planned + timedelta(hours=24)) is Decision.SEND
    assert decide(state, slot, planned + timedelta(hours=37)) is Decision.SKIP


def test_note_whose_hour_was_missed_waits_for_the_next_day() -> None:
    slot = Slot(ANNA, 18, BERLIN)
    state = RhythmState(active_on=date(2026, 3, 12))
    night = datetime(2026, 3, 15, 22, 0, tzinfo=BERLIN)

    assert decide(state, slot, night) is Decision.WAIT
    assert next_check_at(state, slot, night) == due_at(slot, date(2026, 3, 16))


# --- Properties ----------------------------------------------------------------------------

zones = st.sampled_from(sorted(available_timezones() - {"Factory"})).map(ZoneInfo)
slots = st.builds(Slot, st.uuids(), st.sampled_from(list(DAY_HOURS)), zones)
days = st.dates(date(2020, 1, 1), date(2040, 12, 31))
moments = st.integers(0, 21 * 365 * 24 * 60).map(
    lambda minutes: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


@given(slot=slots, day=days)
@example(slot=Slot(ANNA, 9, APIA), day=date(2011, 12, 30))
@example(slot=Slot(ANNA, 19, APIA), day=date(2011, 12, 29))
def test_note_is_never_due_in_quiet_hours_nor_after_its_window(slot: Slot, day: date) -> None:
    at = due_at(slot, day)

    shown = at.astimezone(slot.zone)
    assert DAY_START <= shown.time() < DAY_END
    assert at < day_end(at, slot.zone)
    assert not is_quiet(day_end(at, slot.zone) - timedelta(minutes=1), slot.zone)
    if day.year >= 2020:
        assert shown.date() == day


@given(slot=slots, day=days)
def test_later_days_are_due_later(slot: Slot, day: date) -> None:
    following = [due_at(slot, day + timedelta(days=number)) for number in range(4)]

    assert following == sorted(set(following))


@given(slot=slots, now=moments)
def test_next_due_moment_is_in_the_future_and_within_two_days(slot: Slot, now: datetime) -> None:
    assert now < next_due_at(slot, now) <= now + timedelta(days=2, hours=3)


@given(
    slot=slots,
    now=moments,
    visits=st.frozensets(st.integers(0, 90), max_size=30),
)
def test_rhythm_keeps_its_limits(slot: Slot, now: datetime, visits: frozenset[int]) -> None:
    notes = note_days(slot, now, days=90, visits=visits)
    first = now.astimezone(slot.zone).date()
    here = {first + timedelta(days=day) for day in visits} | {first}

    assert len(notes) == len(set(notes))
    for note in notes:
        assert sum(note - timedelta(days=7) < other <= note for other in notes) <= 2
        assert all(note - day >= timedelta(days=3) for day in here if day < note)
        # Somebody who visits at noon may have had a note in the morning, but none after.
        assert note not in here or due_at(slot, note).astimezone(slot.zone).time() < time(12)
    edges = [*sorted(here), date.max]
    for left, back in pairwise(edges):
        assert sum(left < note <= back for note in notes) <= len(GAPS)


@given(state=st.builds(RhythmState, active_on=days, unanswered=st.integers(0, len(GAPS))))
def test_there_is_a_next_note_until_the_fifth(state: RhythmState) -> None:
    assert (next_note_on(state) is None) == (state.unanswered == len(GAPS))
