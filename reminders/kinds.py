"""The kinds of mail this room adds to the mail engine."""

from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, Q

from mail.emails import Mail
from mail.kinds import Kind, Unwanted
from mail.models import Message
from reminders import emails
from reminders.models import Schedule

NOTE = "reminder"


def compose(message: Message) -> Mail:
    schedule = getattr(message.person, "reminder", None)
    if schedule is None:
        raise Unwanted
    return emails.note(message, schedule)


def still_wanted(now: datetime) -> Q:
    """Notes are on, and they have not been here since this one was decided on."""
    person = OuterRef("person")
    not_here = Q(person__last_visit_at=None) | Q(person__last_visit_at=F("visit_seen_at"))
    return Q(Exists(Schedule.objects.filter(not_here, person=person, person__is_active=True)))


def gone(message: Message) -> None:
    """Their mailbox is no more: no further note is tried."""
    Schedule.objects.of(message.person_id).delete()


REMINDER = Kind(
    name=NOTE,
    # A second copy would feel like pressure; a missed one comes round again in some days.
    at_most_once=True,
    compose=compose,
    pauses=(timedelta(minutes=15), timedelta(hours=1)),
    still_wanted=still_wanted,
    gone=gone,
    needs=("person__reminder",),
)
