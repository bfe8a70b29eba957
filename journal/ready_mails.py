"""The mail on the day of a sealed letter."""

from datetime import datetime
from typing import cast

from django.db import transaction

from accounts.models import User
from journal.mail_kinds import READY_MAIL
from journal.models import Letter
from mail.daytime_window import move_into_window
from mail.models import Message
from mail.quiet_hours import DAY_START, day_end, is_quiet, next_hour

# How many letters one run of a task takes.
BATCH_SIZE = 500


@transaction.atomic
def choose_time_zone(*, person: User, zone: str, now: datetime) -> None:
    """Save the zone of somebody who had not chosen one yet."""
    person.time_zone = zone
    person.save(update_fields=["time_zone"])
    time_zone_changed(person=person, now=now)


def time_zone_changed(*, person: User, now: datetime) -> None:
    """Recompute when mails about sealed letters are due, after a change of time zone."""
    pending = Letter.objects.of(person).ready_mail_pending()
    for letter in pending.defer("sealed").select_for_update():
        letter.tell_at = letter.ready_mail_due_at(person.zone)
        letter.save(update_fields=["tell_at"])
    queued = Message.objects.pending().filter(kind=READY_MAIL, person=person)
    for message in queued.select_for_update(skip_locked=True):
        move_into_window(message, person.zone, now)


@transaction.atomic(durable=True)
def queue_ready_mails(*, now: datetime) -> int:
    """Queue mail about letters whose day has come. Returns how many letters were examined.

    Safe to run any number of times at once: each day of a letter makes one mail.
    """
    _move_into_new_windows(now=now)
    due = Letter.objects.ready_mail_pending().filter(tell_at__lte=now)
    due = due.select_related("owner").defer("sealed")
    letters = list(due.select_for_update(of=("self",), skip_locked=True)[:BATCH_SIZE])
    messages = []
    for letter in letters:
        zone = letter.owner.zone
        if is_quiet(now, zone):
            letter.tell_at = next_hour(DAY_START.hour, zone, now)
        else:
            letter.tell_at = None
            messages.append(_message(letter, now=now))
    Message.objects.bulk_create(messages, ignore_conflicts=True)
    Letter.objects.bulk_update(letters, ["tell_at"])
    return len(letters)


def _move_into_new_windows(*, now: datetime) -> None:
    """Mail that could not be sent before the quiet hours is sent after them."""
    late = Message.objects.pending().filter(kind=READY_MAIL, closes_at__lte=now)
    for message in late.select_related("person").select_for_update(of=("self",), skip_locked=True):
        # Never None: erasing a person deletes their mail.
        move_into_window(message, cast(User, message.person).zone, now)


def _message(letter: Letter, *, now: datetime) -> Message:
    return Message(
        kind=READY_MAIL,
        person_id=letter.owner_id,
        key=f"{READY_MAIL}:{letter.pk}:{letter.opens_on}",
        due_at=now,
        closes_at=day_end(now, letter.owner.zone),
        created_at=now,
    )
