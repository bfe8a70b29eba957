"""Whether an exercise takes another answer: some do once a day, and some come to an end."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Count, Max, Min

from accounts.models import User
from healing.guide_types import Exercise, Step
from healing.models import Answer


class Saved(NamedTuple):
    """How many answers of one exercise are saved, and when the first and the last one were."""

    answers: int = 0
    first: datetime | None = None
    last: datetime | None = None


@dataclass(frozen=True)
class Availability:
    # It has come to its end.
    is_closed: bool = False
    # It has its answer of today, and takes the next one tomorrow.
    has_todays: bool = False

    @property
    def is_open(self) -> bool:
        return not (self.is_closed or self.has_todays)


def availability(person: User, step: Step, exercise: Exercise, now: datetime) -> Availability:
    """Takes one statement, and none for an exercise that is always open."""
    if not (exercise.once_a_day or exercise.closes_after_days or exercise.closes_after_answers):
        return Availability()
    rows = Answer.objects.of(person).for_exercise(step.number, exercise.key)
    saved = rows.aggregate(answers=Count("pk"), first=Min("created_at"), last=Max("created_at"))
    return availability_after(Saved(**saved), exercise, person=person, now=now)


def availability_after(
    saved: Saved, exercise: Exercise, *, person: User, now: datetime
) -> Availability:
    if saved.first is None or saved.last is None:
        return Availability()
    days, answers = exercise.closes_after_days, exercise.closes_after_answers
    today, last_day = (moment.astimezone(person.zone).date() for moment in (now, saved.last))
    return Availability(
        is_closed=bool(days and now - saved.first >= timedelta(days=days))
        or bool(answers and saved.answers >= answers),
        has_todays=exercise.once_a_day and last_day == today,
    )
