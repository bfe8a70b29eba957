from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef

from journal import actions as journal
from mail.models import Heartbeat, Message, State
from mail.quiet_hours import closes, is_quiet
from reminders.mail_kinds import NOTE
from reminders.models import DECIDED, Schedule, ScheduleQuerySet
from reminders.schedule import WITHIN, Verdict

if TYPE_CHECKING:
    from accounts.models import User

BATCH = 500
BUDGET = timedelta(seconds=50)
HEARTBEAT = "reminders"
# One day more than the ceiling looks back, for the width of the zones.
LEDGER = WITHIN + timedelta(days=1)

Clock = Callable[[], datetime]


@transaction.atomic
def choose(*, person: "User", hour: int, zone: str, now: datetime) -> None:
    """Turn notes on, or begin them afresh at another hour. A note on its way is withdrawn."""
    if person.time_zone != zone:
        person.time_zone = zone
        person.save(update_fields=["time_zone"])
        journal.time_zone_changed(person=person, now=now)
    schedule, _ = Schedule.objects.select_for_update().get_or_create(
        person=person, defaults={"hour": hour, "chosen_at": now}
    )
    schedule.person = person
    schedule.choose(hour=hour, now=now)
    _withdraw([person.pk], "chosen anew", now=now)


@transaction.atomic
def stop(schedules: ScheduleQuerySet, *, now: datetime) -> None:
    """Turn notes off: nothing is kept of the wish, and a note on its way is withdrawn."""
    people = list(schedules.select_for_update().values_list("person_id", flat=True))
    if people:
        Schedule.objects.filter(person__in=people).delete()
        _withdraw(people, "stopped", now=now)


@transaction.atomic
def time_zone_changed(*, person: "User", now: datetime) -> None:
    """Their clock is another one now: what was planned by the old one goes by the new one."""
    schedule = Schedule.objects.of(person).lock().first()
    if schedule is None:
        return
    schedule.time_zone_changed(now=now)
    notes = Message.objects.waiting().filter(kind=NOTE, person=person)
    for note in notes.select_for_update():
        _move(note, schedule, now=now)


def _move(note: Message, schedule: Schedule, *, now: datetime) -> None:
    zone, leaves_at = schedule.wish.zone, max(note.due_at, now)
    if is_quiet(leaves_at, zone):
        _give_new_window(note, schedule, now=now)
    else:
        note.closes_at = closes(leaves_at, zone)
        note.save(update_fields=["closes_at"])


def plan(*, clock: Clock) -> int:
    """Turn schedules that are due into mail. Returns how many notes were planned.

    Safe to run any number of times at once: a schedule is decided about by one run at a time, and
    a person has at most one note on a date of theirs.
    """
    now = clock()
    Heartbeat.objects.beat(HEARTBEAT, now=now)
    _give_new_windows(now=now)
    planned, more = 0, True
    while more and clock() < now + BUDGET:
        count, more = _plan_batch(now=clock())
        planned += count
    return planned


def _withdraw(people: Sequence[UUID], reason: str, *, now: datetime) -> None:
    Message.objects.filter(kind=NOTE, person__in=people).skip(reason, now=now)


@transaction.atomic(durable=True)
def _plan_batch(*, now: datetime) -> tuple[int, bool]:
    due = Schedule.objects.due(now).lock_skipping_locked()
    schedules = list(due.order_by("next_due_at", "pk")[:BATCH])
    recent = _recent_notes(schedules, now=now)
    messages = []
    for schedule in schedules:
        verdict = schedule.decide(recent=recent[schedule.pk], now=now)
        if verdict in (Verdict.SEND, Verdict.STALE):
            messages.append(_message(schedule, verdict, now=now))
    # The key is what makes a second note on the same date impossible, whatever happens above.
    Message.objects.bulk_create(messages, ignore_conflicts=True)
    Schedule.objects.bulk_update(schedules, DECIDED)
    notes = sum(message.state == State.DUE for message in messages)
    return notes, len(schedules) == BATCH


def _recent_notes(schedules: Sequence[Schedule], *, now: datetime) -> dict[UUID, set[date]]:
    """The days, in their zone, on which these people had a note or are about to."""
    zones = {schedule.pk: schedule.wish.zone for schedule in schedules}
    recent: dict[UUID, set[date]] = defaultdict(set)
    rows = (
        Message.objects.filter(kind=NOTE, person__in=list(zones), due_at__gt=now - LEDGER)
        .exclude(state__in=(State.SKIPPED, State.FAILED))
        .values_list("person_id", "due_at")
    )
    for person_id, due_at in rows:
        if person_id:
            recent[person_id].add(due_at.astimezone(zones[person_id]).date())
    return recent


def _message(schedule: Schedule, verdict: Verdict, *, now: datetime) -> Message:
    message = Message(
        kind=NOTE,
        person_id=schedule.pk,
        key=f"{NOTE}:{schedule.pk}:{schedule.last_on}",
        due_at=now,
        closes_at=closes(now, schedule.wish.zone),
        created_at=now,
    )
    if verdict is Verdict.STALE:
        message.state, message.reason, message.ended_at = State.SKIPPED, "stale", now
    return message


@transaction.atomic(durable=True)
def _give_new_windows(*, now: datetime) -> None:
    """A note that could not leave before the quiet hours waits for the next day, once."""
    closed = Message.objects.waiting().filter(kind=NOTE, closes_at__lte=now)
    late = Schedule.objects.filter(Exists(closed.filter(person=OuterRef("person"))))
    schedules: dict[UUID | None, Schedule] = {
        row.pk: row for row in late.lock_skipping_locked()[:BATCH]
    }
    for note in closed.filter(person__in=list(schedules)).lock_skipping_locked():
        _give_new_window(note, schedules[note.person_id], now=now)


def _give_new_window(note: Message, schedule: Schedule, *, now: datetime) -> None:
    again = schedule.new_window(now=now)
    if again:
        note.due_at, note.closes_at = again, closes(again, schedule.wish.zone)
        note.save(update_fields=["due_at", "closes_at"])
    else:
        Message.objects.filter(pk=note.pk).skip("stale", now=now)
        schedule.missed(now=now)
