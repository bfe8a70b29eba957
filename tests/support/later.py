"""Letting days go by for a product that runs on the real clock."""

from datetime import datetime, timedelta

from accounts.models import User
from reminders.models import Schedule


def let_days_pass(person: User, *, now: datetime) -> None:
    """Someone who chose notes was last here three days ago, and their first one is due now.

    They move to a zone where it is the middle of the day, whatever the time of the test.
    """
    ahead = 12 - now.hour
    # These names count the other way round.
    zone = f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"
    then = now - timedelta(days=3)
    User.objects.filter(pk=person.pk).update(time_zone=zone, last_visit_at=then)
    Schedule.objects.of(person).update(
        hour=8, chosen_at=then, visit_seen_at=then, next_due_at=now, unanswered=0, last_on=None
    )
