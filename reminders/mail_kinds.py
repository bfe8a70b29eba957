"""The kind of mail that this room registers in `mail.kinds`."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.lookups import IsNull

from mail.emails import OneLineMail
from mail.kinds import Kind, Unwanted
from mail.models import Message
from reminders import emails
from reminders.models import Schedule, StopReason

NOTE = "reminder"


def compose(message: Message) -> OneLineMail:
    """Raises Unwanted if notes were turned off meanwhile."""
    schedule = getattr(message.person, "reminder", None)
    if schedule is None or schedule.stopped_at:
        raise Unwanted
    return emails.note_mail(message, schedule)


def still_wanted(now: datetime) -> Q:
    """Notes are on, and the person has not visited since this one was planned."""
    no_visit_since = Q(person__last_visit_at=None) | Q(person__last_visit_at=F("visit_seen_at"))
    schedule = Schedule.objects.on().filter(
        no_visit_since, person=OuterRef("person"), person__is_active=True
    )
    # Not EXISTS: Postgres would hash the whole schedule table for each chunk of twenty mails. A
    # scalar subquery looks up one row per mail.
    return Q(IsNull(Subquery(schedule.values("pk")), False))


def stop_notes(message: Message, now: datetime) -> None:
    """The address does not exist: send no further notes to it, and let the person know why."""
    schedule = Schedule.objects.of(message.person_id).on()
    schedule.stop(StopReason.NO_SUCH_ADDRESS, now=now)


@transaction.atomic
def plan_again(message: Message, now: datetime) -> None:
    """An undelivered note does not count: the last note has to be one that arrived."""
    schedule = Schedule.objects.of(message.person_id).on().lock().first()
    if schedule:
        schedule.uncount_last_note(now=now)


REMINDER = Kind(
    name=NOTE,
    # A second copy would feel like pressure; after a missed one the next comes in some days.
    at_most_once=True,
    compose=compose,
    retry_delays=(timedelta(minutes=15), timedelta(hours=1)),
    still_wanted=still_wanted,
    on_no_such_address=stop_notes,
    on_failure=plan_again,
    select_related=("person__reminder",),
)
