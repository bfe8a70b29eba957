import os
import subprocess
import sys
import threading
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings as project
from django.db import connection, connections
from pytest_django import Settings

from accounts.models import User
from local.servers import free_port
from mail import kinds
from mail.models import Heartbeat, Message, State
from reminders import actions
from reminders.mail_kinds import NOTE
from reminders.models import Schedule
from tests.reminders.conftest import plan, send
from tests.support.database import Statements
from tests.support.later import let_days_pass
from tests.support.smtp import Sink

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def days_with_a_note(sink: Sink, start: datetime, days: int) -> list[int]:
    """Plan and send whenever something is due, and return the days on which a note was sent,
    counted from the start by a calendar in Berlin."""
    berlin = ZoneInfo("Europe/Berlin")
    found, at = [], start
    while at < start + timedelta(days=days):
        plan(at)
        if send(at):
            found.append((at.astimezone(berlin).date() - start.astimezone(berlin).date()).days)
        moments = [*Schedule.objects.values_list("next_due_at", flat=True)]
        moments += Message.objects.pending().values_list("due_at", flat=True)
        at = max(
            at + timedelta(minutes=1), min((m for m in moments if m), default=start + 999 * DAY)
        )
    return found


# --- Turning notes on ----------------------------------------------------------------------


def test_turning_on_sets_hour_and_zone_and_the_first_note_is_three_days_away(
    chosen: Schedule, alice: User, now: datetime
) -> None:
    alice.refresh_from_db()
    assert (chosen.hour, alice.time_zone, chosen.chosen_at) == (18, "Europe/Berlin", now)
    assert chosen.next_due_at is not None
    shown = chosen.next_due_at.astimezone(alice.zone)
    assert (shown.date(), 18 <= shown.hour < 20) == (date(2026, 3, 15), True)


def test_five_notes_are_sent_and_then_none(chosen: Schedule, sink: Sink, now: datetime) -> None:
    assert days_with_a_note(sink, now, days=130) == [3, 6, 13, 27, 57]
    chosen.refresh_from_db()
    assert chosen.is_finished
    assert "the last reminder for now" in sink.mails[-1].get_body(("plain",)).get_content()


def test_visit_restarts_the_rhythm(
    chosen: Schedule, alice: User, sink: Sink, now: datetime
) -> None:
    first = days_with_a_note(sink, now, days=20)
    alice.record_visit(now=now + 20 * DAY)

    again = days_with_a_note(sink, now + 20 * DAY, days=8)

    assert (first, again) == ([3, 6, 13], [3, 6])
    opening = sink.mails[3].get_body(("plain",)).get_content()
    assert opening.startswith("Hello. You asked for a small reminder now and then")


def test_turning_on_again_keeps_the_stop_link_of_earlier_mails(
    chosen: Schedule, alice: User, now: datetime
) -> None:
    actions.turn_on(person=alice, hour=9, zone="Asia/Kathmandu", now=now + DAY)

    again = Schedule.objects.of(alice).get()
    assert (again.token, again.hour, again.unanswered) == (chosen.token, 9, 0)


# --- Another time zone ---------------------------------------------------------------------


def move(person: User, zone: str, now: datetime) -> None:
    actions.change_time_zone(person=person, zone=zone, now=now)


def test_note_is_due_at_the_same_hour_on_the_new_clock(alice: User, now: datetime) -> None:
    actions.turn_on(person=alice, hour=8, zone="Pacific/Auckland", now=now)

    move(alice, "America/Los_Angeles", now + HOUR)

    schedule = Schedule.objects.of(alice).get()
    assert schedule.next_due_at is not None
    shown = schedule.next_due_at.astimezone(ZoneInfo("America/Los_Angeles"))
    assert 8 <= shown.hour < 10
    # Three days after the last visit, by the calendar of the old zone.
    assert shown.date() == date(2026, 3, 15)


def test_pending_note_keeps_the_quiet_hours_of_the_new_zone(
    planned: Message, alice: User, evening: datetime
) -> None:
    # Half a minute before eight in Berlin; seven in London, and a morning in New York.
    move(alice, "Europe/London", evening)
    planned.refresh_from_db()
    assert planned.closes_at == evening.replace(hour=20, minute=0, second=0)

    move(alice, "America/New_York", evening)
    planned.refresh_from_db()
    assert planned.closes_at == evening.replace(hour=0, minute=0, second=0) + DAY


def test_pending_note_moves_to_the_next_day_if_it_is_night_in_the_new_zone(
    planned: Message, alice: User, sink: Sink, evening: datetime
) -> None:
    move(alice, "Asia/Tokyo", evening)

    assert send(evening) == 0
    planned.refresh_from_db()
    assert planned.state == State.DUE
    due = planned.due_at.astimezone(ZoneInfo("Asia/Tokyo"))
    assert (due.date(), 18 <= due.hour < 20) == (date(2026, 3, 16), True)
    assert send(planned.due_at) == 1


def test_new_zone_changes_nothing_without_notes_or_after_the_last_one(
    alice: User, chosen: Schedule, bob: User, now: datetime
) -> None:
    Schedule.objects.update(unanswered=5, next_due_at=None)
    before = list(Schedule.objects.values())

    move(alice, "Asia/Tokyo", now)
    move(bob, "Asia/Tokyo", now)

    assert list(Schedule.objects.values()) == before


# --- Between planning and sending ----------------------------------------------------------


def test_planned_note_is_sent_once(planned: Message, sink: Sink, evening: datetime) -> None:
    assert (send(evening), send(evening), plan(evening), send(evening)) == (1, 0, 0, 0)
    assert sink.to == ["alice@example.org"]


def test_note_put_back_after_notes_were_turned_off_holds_up_nobody(
    planned: Message, alice: User, chosen: Schedule, evening: datetime
) -> None:
    """It was being sent meanwhile, so it was not skipped with the others."""
    actions.turn_off(Schedule.objects.of(alice), now=evening)
    Message.objects.update(state=State.DUE, reason="", ended_at=None)

    for days in (0, 1, 2):
        plan(evening + HOUR + days * DAY)

    chosen.refresh_from_db()
    assert (chosen.next_due_at, chosen.stop_reason) == (None, "turned off")
    assert send(evening + HOUR) == 0
    planned.refresh_from_db()
    assert (planned.state, planned.reason) == ("skipped", "not wanted")


def test_turning_off_skips_a_pending_note(
    planned: Message, alice: User, sink: Sink, evening: datetime
) -> None:
    actions.turn_off(Schedule.objects.of(alice), now=evening)

    assert send(evening) == 0
    planned.refresh_from_db()
    assert (planned.state, planned.reason, sink.raw) == ("skipped", "stopped", [])


def test_pending_note_without_a_schedule_is_skipped(
    planned: Message, alice: User, sink: Sink, evening: datetime
) -> None:
    Schedule.objects.of(alice).delete()

    assert send(evening) == 0
    planned.refresh_from_db()
    assert (planned.state, planned.reason, sink.raw) == ("skipped", "not wanted", [])


def test_visit_skips_a_pending_note(
    planned: Message, alice: User, sink: Sink, evening: datetime
) -> None:
    alice.record_visit(now=evening)

    assert send(evening) == 0
    planned.refresh_from_db()
    assert (planned.state, planned.reason, sink.raw) == ("skipped", "not wanted", [])


def test_visit_earlier_on_the_day_means_no_note_that_day(
    chosen: Schedule, alice: User, evening: datetime
) -> None:
    alice.record_visit(now=evening - 9 * HOUR)

    assert plan(evening) == 0
    assert Message.objects.count() == 0


def test_erased_or_inactive_person_gets_nothing(
    planned: Message, alice: User, sink: Sink, evening: datetime
) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert send(evening) == 0

    alice.delete()
    assert Message.objects.count() == 0
    assert (plan(evening), send(evening), sink.raw) == (0, 0, [])


def test_address_that_does_not_exist_turns_notes_off(
    planned: Message, alice: User, sink: Sink, evening: datetime
) -> None:
    sink.recipients["alice@example.org"] = "550 5.1.1 no such user"

    send(evening)

    planned.refresh_from_db()
    assert (planned.state, planned.reason) == ("failed", "no such address")
    assert not Schedule.objects.of(alice).on().exists()


def test_last_note_that_is_refused_is_planned_again(
    chosen: Schedule, sink: Sink, now: datetime
) -> None:
    # From the morning on, three tries fit before the quiet hours, whatever the minute.
    actions.turn_on(person=chosen.person, hour=8, zone="Europe/Berlin", now=now)
    assert days_with_a_note(sink, now, days=50) == [3, 6, 13, 27]
    sink.recipients["alice@example.org"] = "452 4.2.2 mailbox full"
    assert days_with_a_note(sink, now + 50 * DAY, days=10) == []
    assert Message.objects.filter(state=State.FAILED).count() == 1
    chosen.refresh_from_db()
    assert (chosen.unanswered, chosen.is_finished) == (4, False)

    sink.recipients.clear()
    assert days_with_a_note(sink, now + 60 * DAY, days=90) == [57 + 30 - 60]
    chosen.refresh_from_db()
    assert chosen.is_finished
    assert "the last reminder for now" in sink.mails[-1].get_body(("plain",)).get_content()


def test_note_that_may_have_arrived_is_counted(
    planned: Message, chosen: Schedule, sink: Sink, evening: datetime
) -> None:
    sink.drop = "after the dot"
    send(evening)

    planned.refresh_from_db()
    chosen.refresh_from_db()
    assert (planned.state, chosen.unanswered) == ("unknown", 1)


def test_claim_looks_up_each_schedule_by_its_index(now: datetime, evening: datetime) -> None:
    people = User.objects.bulk_create(
        User(email=f"p{number}@example.org", password="x") for number in range(300)
    )
    Schedule.objects.bulk_create(Schedule(person=p, hour=18, chosen_at=now) for p in people)
    Message.objects.bulk_create(
        Message(kind=NOTE, key=f"{p.pk}", person=p, due_at=now, created_at=now) for p in people
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE mail_message, reminders_schedule, accounts_user")

    explained = Message.objects.due(now).filter(kinds.wanted(now)).in_sending_order()[:20].explain()

    assert "reminders_schedule" in explained
    assert "hashed" not in explained


# --- Late ----------------------------------------------------------------------------------


def test_note_past_its_window_moves_to_the_same_hour_of_the_next_day(
    planned: Message, settings: Settings, sink: Sink, evening: datetime
) -> None:
    settings.EMAIL_PORT = free_port()
    send(evening)
    settings.EMAIL_PORT = sink.port

    night = evening + HOUR
    plan(night)
    assert send(night) == 0
    planned.refresh_from_db()
    assert night + 21 * HOUR < planned.due_at < evening + DAY + HOUR / 60
    assert days_with_a_note(sink, night, days=2) == [1]
    planned.refresh_from_db()
    assert planned.state == State.SENT


def test_note_that_is_too_late_is_skipped_and_not_counted(
    planned: Message, chosen: Schedule, evening: datetime
) -> None:
    plan(evening + HOUR)
    plan(evening + HOUR + DAY)

    planned.refresh_from_db()
    chosen.refresh_from_db()
    assert (planned.state, planned.reason, chosen.unanswered) == ("skipped", "stale", 0)


def test_schedule_not_checked_for_days_sends_nothing_old(
    chosen: Schedule, sink: Sink, evening: datetime
) -> None:
    late = evening + 4 * DAY

    assert (plan(late), send(late)) == (0, 0)
    assert list(Message.objects.values_list("state", "reason")) == [("skipped", "stale")]
    # The rhythm goes on from there.
    assert days_with_a_note(sink, late, days=4) == [3]


def test_nothing_is_planned_at_night(chosen: Schedule, evening: datetime) -> None:
    night = evening + HOUR

    assert plan(night) == 0
    chosen.refresh_from_db()
    assert chosen.next_due_at is not None
    assert night < chosen.next_due_at <= evening + DAY + HOUR / 60


# --- Concurrent runs -----------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_plan_each_note_once(now: datetime, evening: datetime) -> None:
    people = [User.objects.create_user(f"p{n}@example.org", "quiet harbour 42") for n in range(8)]
    for person in people:
        actions.turn_on(person=person, hour=18, zone="Europe/Berlin", now=now)
    together = threading.Barrier(3)
    planned: list[int] = []

    def run() -> None:
        together.wait()
        planned.append(plan(evening))
        connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    together.wait()
    for thread in threads:
        thread.join(timeout=120)

    assert sum(planned) == Message.objects.count() == 8


def test_no_second_note_on_one_date_whatever_the_schedule_contains(
    planned: Message, chosen: Schedule, sink: Sink, evening: datetime
) -> None:
    send(evening)
    # As if two machines disagreed about the past.
    Message.objects.update(due_at=evening - 30 * DAY)
    Schedule.objects.update(next_due_at=evening, unanswered=0, last_on=None)

    plan(evening)

    assert (send(evening), len(sink.raw), Message.objects.count()) == (0, 1, 1)


def test_statements_of_planning_do_not_grow_with_people(
    now: datetime, evening: datetime, statements: Statements
) -> None:
    def turn_on(number: int) -> None:
        person = User.objects.create_user(f"p{number}@example.org", "quiet harbour 42")
        actions.turn_on(person=person, hour=18, zone="Europe/Berlin", now=now)

    turn_on(0)
    with statements() as one:
        plan(evening)
    for number in range(1, 4):
        turn_on(number)
    with statements() as three:
        plan(evening)

    assert len(one) == len(three) <= 7, three
    assert Message.objects.count() == 4


def test_planning_beats(now: datetime) -> None:
    plan(now)

    assert Heartbeat.objects.ages(now + HOUR)["reminders"] == HOUR


# --- A process that dies -------------------------------------------------------------------

SENDER = """
import sys
from datetime import datetime
import django
django.setup()
from mail.sending import send_due
at = datetime.fromisoformat(sys.argv[1])
send_due(clock=lambda: at)
"""


def sender(sink: Sink, at: datetime) -> "subprocess.Popen[bytes]":
    """A separate process that sends due mail from the database of this test."""
    database = connection.settings_dict
    url = (
        f"postgres://{quote(database['USER'])}:{quote(database['PASSWORD'])}"
        f"@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    )
    environment: dict[str, Any] = os.environ | {
        "DATABASE_URL": url,
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": str(sink.port),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": project.SECRET_KEY,
        "VAULT_KEYS": project.VAULT_KEYS,
        "REDIS_URL": project.REDIS_URL,
    }
    command = [sys.executable, "-c", SENDER, at.isoformat()]
    return subprocess.Popen(command, env=environment, cwd=project.BASE_DIR)


@pytest.mark.django_db(transaction=True)
def test_note_of_a_killed_sender_is_unknown_and_never_sent_again(
    planned: Message, sink: Sink, evening: datetime
) -> None:
    sink.holds = True
    process = sender(sink, evening)
    assert sink.begun.wait(timeout=120)
    process.kill()
    process.wait(timeout=120)
    sink.holds = False
    sink.released.set()

    planned.refresh_from_db()
    assert planned.state == State.SENDING

    for minutes in (1, 11, 20):
        send(evening + timedelta(minutes=minutes))
    planned.refresh_from_db()
    assert (planned.state, planned.reason, sink.raw) == ("unknown", "no answer", [])


# --- For tests on the real clock -----------------------------------------------------------


@pytest.mark.parametrize("hour", range(24))
def test_let_days_pass_works_at_any_hour(
    chosen: Schedule, alice: User, sink: Sink, now: datetime, hour: int
) -> None:
    at = now.replace(hour=hour, minute=47)
    let_days_pass(alice, now=at)

    assert (plan(at), send(at)) == (1, 1)


# --- Pausing -------------------------------------------------------------------------------


def test_pause_skips_what_is_pending_and_plans_nothing_for_a_week(
    planned: Message, sink: Sink, evening: datetime
) -> None:
    actions.pause(Schedule.objects.all(), now=evening)

    planned.refresh_from_db()
    assert (planned.state, planned.reason) == ("skipped", "paused")
    days = days_with_a_note(sink, evening, 12)
    assert days
    assert min(days) > 7


def test_pause_holds_when_the_time_zone_changes(
    chosen: Schedule, alice: User, now: datetime
) -> None:
    actions.pause(Schedule.objects.all(), now=now)
    alice.refresh_from_db()
    actions.change_time_zone(person=alice, zone="Pacific/Auckland", now=now)

    for hours in range(0, 24 * 7, 6):
        plan(now + hours * HOUR)
    assert not Message.objects.filter(state=State.DUE).exists()


def test_pause_starts_nothing_that_is_off_or_finished(chosen: Schedule, now: datetime) -> None:
    Schedule.objects.update(next_due_at=None, unanswered=5)
    actions.pause(Schedule.objects.all(), now=now)
    assert Schedule.objects.get().is_finished

    actions.turn_off(Schedule.objects.all(), now=now)
    actions.pause(Schedule.objects.all(), now=now)
    assert Schedule.objects.get().is_turned_off
