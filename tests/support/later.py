"""Let days pass for a product that runs on the real clock."""

from datetime import datetime, timedelta

from accounts.models import User
from reminders.models import Schedule


def let_days_pass(person: User, *, now: datetime) -> None:
    """Change rows so that this person was last here three days ago and their first note is due now.

    They move to a time zone in which it is noon.
    """
    ahead = 12 - now.hour
    # The sign in these names is reversed: Etc/GMT-2 is ahead of UTC.
    zone = f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"
    then = now - timedelta(days=3)
    User.objects.filter(pk=person.pk).update(time_zone=zone, last_visit_at=then)
    Schedule.objects.of(person).update(
        hour=8, chosen_at=then, visit_seen_at=then, next_due_at=now, unanswered=0, last_on=None
    )
