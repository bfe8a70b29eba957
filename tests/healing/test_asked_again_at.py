from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healing.asked_again_at import follow_up_at, next_round_at
from healing.guide_types import Choice, Exercise, Field, FollowUp

ASKED = FollowUp("day", "what", "Did it happen?", (Choice("yes", "Yes"), Choice("no", "No")))
WHAT = Field("what", "text", "What")
ON_A_DAY = Exercise(
    "mine", "Mine", 5, "…", fields=(WHAT, Field("day", "date", "When")), follow_up=ASKED
)
AT_AN_HOUR = Exercise(
    "hour", "Hour", 5, "…", fields=(WHAT, Field("day", "time", "When")), follow_up=ASKED
)
FIVE_OPENINGS = Exercise("still-me", "Still me", 5, "…", fields=(WHAT,), asked_again=(4, 8))

AUCKLAND = ZoneInfo("Pacific/Auckland")
# 9 pm on 14 March in Auckland.
NOW = datetime(2026, 3, 14, 8, 0, tzinfo=UTC)


def local(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=AUCKLAND)


@pytest.mark.parametrize(
    ("exercise", "day", "at"),
    [
        (ON_A_DAY, "2026-03-20", local(2026, 3, 20)),
        (ON_A_DAY, "2026-03-15", local(2026, 3, 15)),
        # Today and days gone by: tomorrow.
        (ON_A_DAY, "2026-03-14", local(2026, 3, 15)),
        (ON_A_DAY, "1926-03-20", local(2026, 3, 15)),
        (ON_A_DAY, "9999-12-31", None),
        (ON_A_DAY, "", None),
        (ON_A_DAY, "2026-02-30", None),
        (AT_AN_HOUR, "18:30", local(2026, 3, 15, 18, 30)),
        (AT_AN_HOUR, "", None),
        (FIVE_OPENINGS, "2026-03-20", None),
    ],
)
def test_answer_is_asked_about_on_its_day(
    exercise: Exercise, day: str, at: datetime | None
) -> None:
    assert follow_up_at(exercise, {"day": day}, zone=AUCKLAND, now=NOW) == at


@given(
    value=st.one_of(st.dates().map(str), st.text(max_size=12), st.lists(st.text(max_size=3))),
    zone=st.sampled_from(["Pacific/Kiritimati", "Pacific/Apia", "America/Adak", "UTC"]).map(
        ZoneInfo
    ),
    now=st.integers(0, 7000).map(lambda days: NOW + timedelta(days=days)),
)
def test_no_day_asks_before_tomorrow(value: Any, zone: ZoneInfo, now: datetime) -> None:
    at = follow_up_at(ON_A_DAY, {"day": value}, zone=zone, now=now)

    assert at is None or at.date() > now.astimezone(zone).date()


@pytest.mark.parametrize(
    ("days_since_first", "weeks"),
    [(0, 4), (5, 4), (20, 4), (21, 8), (28, 8), (48, 8), (49, None), (400, None)],
)
def test_rounds_are_four_and_eight_weeks_after_the_first(
    days_since_first: int, weeks: int | None
) -> None:
    at = next_round_at(FIVE_OPENINGS, first=NOW, now=NOW + timedelta(days=days_since_first))

    assert at == (None if weeks is None else NOW + timedelta(weeks=weeks))
