"""When an answer is asked about again: on the day it names, or some weeks after the first one."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from healing.guide_types import Exercise

# A day that is further away is more likely a slip of the keyboard.
FURTHEST = timedelta(days=5 * 366)
# Somebody who has answered by themselves is not asked again within this time.
BETWEEN_ROUNDS = timedelta(days=7)


def follow_up_at(
    exercise: Exercise, answer: Mapping[str, Any], *, zone: ZoneInfo, now: datetime
) -> datetime | None:
    """When to ask what became of this answer: on its day, and never before tomorrow.

    None if it names no day, or one that is years away.
    """
    asked = exercise.follow_up
    field = exercise.field(asked.on) if asked else None
    value = answer.get(field.name, "") if field else None
    if asked is None or field is None or not isinstance(value, str):
        return None
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    if not value and asked.is_tomorrow and answer.get(asked.about):
        return datetime.combine(tomorrow, time.min, zone)
    try:
        if field.kind == "time":
            return datetime.combine(tomorrow, time.fromisoformat(value), zone)
        day = date.fromisoformat(value)
    except ValueError:
        return None
    if day - tomorrow > FURTHEST:
        return None
    return datetime.combine(max(day, tomorrow), time.min, zone)


def next_round_at(exercise: Exercise, *, first: datetime, now: datetime) -> datetime | None:
    """When the same questions are asked again; None after the last round."""
    rounds = (first + timedelta(weeks=weeks) for weeks in exercise.asked_again)
    return next((at for at in rounds if at - now > BETWEEN_ROUNDS), None)
