from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef

from journal import ready_mails
from mail.daytime_window import move_into_window
from mail.models import Heartbeat, Message, State
from mail.quiet_hours import day_end, is_quiet
from reminders.mail_kinds import NOTE
from reminders.models import ADVANCED, Schedule, ScheduleQuerySet, StopReason
from reminders.schedule import CEILING_PERIOD, Decision

if TYPE_CHECKING:
    from accounts.models import User

BATCH_SIZE = 500
PAUSE_LASTS = timedelta(days=7)
TIME_BUDGET = timedelta(seconds=50)
HEARTBEAT = "reminders"
# One day more than the ceiling looks back, because dates differ between zones.
LOOKBACK = CEILING_PERIOD + timedelta(days=1)

Clock = Callable[[], datetime]


@transaction.atomic
def turn_on(*, person: "User", hour: int, zone: str, now: datetime) -> None:
    """Turn reminders on, or restart them at another hour. A pending note is skipped."""
    change_time_zone(person=person, zone=zone, now=now)
    # Two pages may turn notes on at once: one INSERT … ON CONFLICT creates the row or locks it.
    Schedule.objects.bulk_create(
        [Schedule(person=person, hour=hour, chosen_at=now)],
        update_conflicts=True,
        unique_fields=["person"],
        update_fields=["hour"],
    )
    schedule = Schedule.objects.get(person=person)
    schedule.person = person
    schedule.restart(hour=hour, now=now)
    _skip_pending([person.pk], "chosen anew", now=now)


@transaction.atomic
def turn_off(schedules: ScheduleQuerySet, *, now: datetime) -> None:
    """Turn reminders off: stop the schedules and skip pending notes."""
    people = list(schedules.select_for_update().values_list("person_id", flat=True))
    if people:
        Schedule.objects.filter(person__in=people).stop(StopReason.TURNED_OFF, now=now)
        _skip_pending(people, "stopped", now=now)


@transaction.atomic
def pause(schedules: ScheduleQuerySet, *, now: datetime) -> None:
    """Plan nothing for PAUSE_LASTS. After that the rhythm begins as if it were chosen then.

    One that has sent its last note stays finished.
    """
    for schedule in schedules.filter(next_due_at__isnull=False).lock():
        schedule.restart(hour=schedule.hour, now=now + PAUSE_LASTS)
        _skip_pending([schedule.person_id], "paused", now=now)


def _skip_pending(people: Sequence[UUID], reason: str, *, now: datetime) -> None:
    Message.objects.filter(kind=NOTE, person__in=people).skip(reason, now=now)


@transaction.atomic
def change_time_zone(*, person: "User", zone: str, now: datetime) -> None:
    """Save the time zone and recompute the due times of letters and reminders from it."""
    if person.time_zone == zone:
        return
    person.time_zone = zone
    person.save(update_fields=["time_zone"])
    ready_mails.time_zone_changed(person=person, now=now)
    schedule = Schedule.objects.of(person).on().lock().first()
    if schedule is None:
        return
    schedule.time_zone_changed(now=now)
    notes = Message.objects.pending().filter(kind=NOTE, person=person)
    for note in notes.select_for_update():
        if is_quiet(max(note.due_at, now), schedule.slot.zone):
            _retry_or_skip(note, schedule, now=now)
        else:
            move_into_window(note, schedule.slot.zone, now)


def plan(*, clock: Clock) -> int:
    """Turn due schedules into mail. Returns the number of notes planned.

    Concurrent runs are safe: each schedule is locked by one of them, and the unique key of a
    message allows one note per person and date.
    """
    now = clock()
    Heartbeat.objects.beat(HEARTBEAT, now=now)
    _retry_notes_past_their_window(now=now)
    planned, more = 0, True
    while more and clock() < now + TIME_BUDGET:
        count, more = _plan_batch(now=clock())
        planned += count
    return planned


@transaction.atomic(durable=True)
def _plan_batch(*, now: datetime) -> tuple[int, bool]:
    """Return the number of notes planned, and whether there may be more."""
    due = Schedule.objects.due(now).lock_skipping_locked()
    schedules = list(due.order_by("next_due_at", "pk")[:BATCH_SIZE])
    recent = _recent_notes(schedules, now=now)
    messages = []
    for schedule in schedules:
        decision = schedule.advance(recent=recent[schedule.pk], now=now)
        if decision in (Decision.SEND, Decision.SKIP):
            messages.append(_message(schedule, decision, now=now))
    # Whatever was decided, the unique key stops a second note on the same date.
    Message.objects.bulk_create(messages, ignore_conflicts=True)
    Schedule.objects.bulk_update(schedules, ADVANCED)
    planned = sum(message.state == State.DUE for message in messages)
    return planned, len(schedules) == BATCH_SIZE


def _recent_notes(schedules: Sequence[Schedule], *, now: datetime) -> dict[UUID, set[date]]:
    """Return the days, in each person's zone, that had a note or are about to have one."""
    zones = {schedule.pk: schedule.slot.zone for schedule in schedules}
    recent: dict[UUID, set[date]] = defaultdict(set)
    rows = (
        Message.objects.filter(kind=NOTE, person__in=list(zones), due_at__gt=now - LOOKBACK)
        .exclude(state__in=(State.SKIPPED, State.FAILED))
        .values_list("person_id", "due_at")
    )
    for person_id, due_at in rows:
        if person_id:
            recent[person_id].add(due_at.astimezone(zones[person_id]).date())
    return recent


def _message(schedule: Schedule, decision: Decision, *, now: datetime) -> Message:
    message = Message(
        kind=NOTE,
        person_id=schedule.pk,
        key=f"{NOTE}:{schedule.pk}:{schedule.last_on}",
        due_at=now,
        closes_at=day_end(now, schedule.slot.zone),
        created_at=now,
    )
    if decision is Decision.SKIP:
        message.state, message.reason, message.ended_at = State.SKIPPED, "stale", now
    return message


@transaction.atomic(durable=True)
def _retry_notes_past_their_window(*, now: datetime) -> None:
    past_window = Message.objects.pending().filter(kind=NOTE, closes_at__lte=now)
    late = Schedule.objects.on().filter(Exists(past_window.filter(person=OuterRef("person"))))
    schedules: dict[UUID | None, Schedule] = {
        row.pk: row for row in late.lock_skipping_locked()[:BATCH_SIZE]
    }
    for note in past_window.filter(person__in=list(schedules)).lock_skipping_locked():
        _retry_or_skip(note, schedules[note.person_id], now=now)


def _retry_or_skip(note: Message, schedule: Schedule, *, now: datetime) -> None:
    """Move the note to the next day at the person's hour, or skip it if that is too late."""
    retry_at = schedule.retry_at(now=now)
    if retry_at:
        note.due_at = retry_at
        move_into_window(note, schedule.slot.zone, now)
    else:
        Message.objects.filter(pk=note.pk).skip("stale", now=now)
        schedule.uncount_last_note(now=now)
