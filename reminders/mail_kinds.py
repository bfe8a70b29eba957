"""The kinds of mail this room adds to the mail engine."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.lookups import IsNull

from mail.emails import OneLineMail
from mail.kinds import Kind, Unwanted
from mail.models import Message
from reminders import emails
from reminders.models import Schedule

NOTE = "reminder"


def compose(message: Message) -> OneLineMail:
    schedule = getattr(message.person, "reminder", None)
    if schedule is None:
        raise Unwanted
    return emails.note_of(message, schedule)


def still_wanted(now: datetime) -> Q:
    """Notes are on, and they have not been here since this one was decided on."""
    person = OuterRef("person")
    not_here = Q(person__last_visit_at=None) | Q(person__last_visit_at=F("visit_seen_at"))
    wish = Schedule.objects.filter(not_here, person=person, person__is_active=True)
    # A value of one row, not EXISTS: Postgres would answer that by reading every schedule there
    # is, for each chunk of twenty.
    return Q(IsNull(Subquery(wish.values("pk")), False))


def gone(message: Message) -> None:
    """Their mailbox is no more: no further note is tried."""
    Schedule.objects.of(message.person_id).delete()


@transaction.atomic
def failed(message: Message, now: datetime) -> None:
    """It did not arrive, so it does not count: the last note must be one that they had."""
    schedule = Schedule.objects.of(message.person_id).lock().first()
    if schedule:
        schedule.missed(now=now)


REMINDER = Kind(
    name=NOTE,
    # A second copy would feel like pressure; a missed one comes round again in some days.
    at_most_once=True,
    compose=compose,
    pauses=(timedelta(minutes=15), timedelta(hours=1)),
    still_wanted=still_wanted,
    gone=gone,
    failed=failed,
    needs=("person__reminder",),
)
