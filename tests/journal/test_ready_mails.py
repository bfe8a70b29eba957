"""The mail on the day of a sealed letter, which says only that something is ready."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connections, transaction

from accounts.models import User
from journal import ready_mails
from journal.models import Letter
from mail.models import Message
from mail.sending import send_due
from reminders import actions as reminders
from tests.support.database import Statements
from tests.support.letters import a_draft
from tests.support.smtp import Sink

pytestmark = pytest.mark.django_db

SPRING = date(2027, 3, 28)
BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}:00").replace(tzinfo=BERLIN)


@pytest.fixture
def sealed(alice: User, now: datetime) -> Letter:
    """Until the day on which the clocks in Berlin go forward, with a mail at 18:00."""
    alice.time_zone = "Europe/Berlin"
    alice.save()
    letter = a_draft(alice, "I kept checking.", now=now)
    letter.seal_until(SPRING, tell_hour=18, person=alice, now=now)
    return letter


def queue_and_send(moment: datetime) -> int:
    ready_mails.queue_ready_mails(now=moment)
    return send_due(clock=lambda: moment)


def test_mail_is_sent_once_at_the_chosen_hour(sealed: Letter, alice: User, sink: Sink) -> None:
    assert queue_and_send(at("2027-03-28T17:59")) == 0
    assert queue_and_send(at("2027-03-28T18:00")) == 1
    assert queue_and_send(at("2027-03-28T18:01")) == 0

    (mail,) = sink.mails
    assert mail["To"] == alice.email
    text = f"{mail['Subject']} {mail.as_string()}"
    for word in ("letter", "Letter", "checking", "seal", "boat"):
        assert word not in text.replace("Paper Boat", "")


def test_letter_that_is_queued_twice_makes_one_mail(sealed: Letter) -> None:
    ready_mails.queue_ready_mails(now=at("2027-03-28T18:00"))
    Letter.objects.update(tell_at=sealed.tell_at)
    ready_mails.queue_ready_mails(now=at("2027-03-28T18:00"))

    assert Message.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_run_skips_letters_that_another_run_has_locked(sealed: Letter) -> None:
    moment = at("2027-03-28T18:00")
    with transaction.atomic(), ThreadPoolExecutor(1) as others:
        Letter.objects.select_for_update().get()
        assert (
            others.submit(
                _on_new_connection, lambda: ready_mails.queue_ready_mails(now=moment)
            ).result(60)
            == 0
        )

    assert ready_mails.queue_ready_mails(now=moment) == 1
    assert Message.objects.count() == 1


def _on_new_connection(act: Callable[[], int]) -> int:
    try:
        return act()
    finally:
        connections.close_all()


def test_no_hour_means_no_mail(alice: User, now: datetime, sink: Sink) -> None:
    letter = a_draft(alice, now=now)
    letter.seal_until(SPRING, tell_hour=None, person=alice, now=now)

    assert queue_and_send(at("2027-03-29T12:00")) == 0


@pytest.mark.parametrize("change", ["unsealed", "let go", "sealed again", "erased", "deactivated"])
def test_no_mail_is_sent_if_the_letter_is_not_sealed_until_that_day(
    sealed: Letter, alice: User, sink: Sink, change: str
) -> None:
    moment = at("2027-03-28T18:00")
    ready_mails.queue_ready_mails(now=moment)
    if change == "unsealed":
        sealed.unseal(now=moment)
    elif change == "let go":
        sealed.let_go(leaves_line=False, now=moment)
    elif change == "erased":
        alice.delete()
    elif change == "deactivated":
        User.objects.update(is_active=False)
    else:
        sealed.seal_until(date(2028, 1, 1), tell_hour=9, person=alice, now=moment)

    assert send_due(clock=lambda: moment) == 0
    assert sink.mails == []


def test_mail_is_sent_if_the_letter_is_brought_back(
    sealed: Letter, alice: User, sink: Sink
) -> None:
    sealed.let_go(leaves_line=False, now=at("2027-03-28T17:55"))
    assert queue_and_send(at("2027-03-28T18:00")) == 0

    sealed.bring_back(now=at("2027-03-28T18:01"))

    assert queue_and_send(at("2027-03-28T18:02")) == 1


def test_no_mail_is_sent_at_night(sealed: Letter, sink: Sink) -> None:
    """The worker was down in the evening."""
    assert queue_and_send(at("2027-03-28T20:00")) == 0
    assert queue_and_send(at("2027-03-29T07:59")) == 0
    assert queue_and_send(at("2027-03-29T08:00")) == 1


def test_mail_that_missed_its_window_is_sent_in_the_morning(sealed: Letter, sink: Sink) -> None:
    """The relay was down in the evening."""
    ready_mails.queue_ready_mails(now=at("2027-03-28T18:00"))

    assert queue_and_send(at("2027-03-28T20:30")) == 0
    assert queue_and_send(at("2027-03-29T08:00")) == 1


def test_due_time_follows_a_change_of_time_zone(sealed: Letter, alice: User) -> None:
    alice.time_zone = "Pacific/Auckland"
    alice.save()

    ready_mails.time_zone_changed(person=alice, now=at("2026-05-01T12:00"))

    sealed.refresh_from_db()
    assert sealed.tell_at == datetime(2027, 3, 28, 18, tzinfo=ZoneInfo("Pacific/Auckland"))


def test_due_time_follows_the_time_zone_of_the_reminders(
    sealed: Letter, alice: User, now: datetime
) -> None:
    reminders.turn_on(person=alice, hour=9, zone="Pacific/Auckland", now=now)

    sealed.refresh_from_db()
    assert sealed.tell_at == datetime(2027, 3, 28, 18, tzinfo=ZoneInfo("Pacific/Auckland"))


def test_queued_mail_moves_into_a_window_of_the_new_time_zone(sealed: Letter, alice: User) -> None:
    """The relay was down, and it is night in the new time zone."""
    moment = at("2027-03-28T18:00")
    ready_mails.queue_ready_mails(now=moment)
    alice.time_zone = "Pacific/Auckland"
    alice.save()

    ready_mails.time_zone_changed(person=alice, now=moment)

    message = Message.objects.get()
    morning = datetime(2027, 3, 29, 8, tzinfo=ZoneInfo("Pacific/Auckland"))
    assert (message.due_at, message.closes_at) == (morning, morning + 12 * HOUR)


def test_statements_of_queueing_do_not_grow_with_the_letters(
    alice: User, now: datetime, statements: Statements
) -> None:
    asked = []
    for many in (1, 30):
        for _ in range(many):
            a_draft(alice, now=now).seal_until(SPRING, tell_hour=9, person=alice, now=now)
        with statements() as found:
            ready_mails.queue_ready_mails(now=at("2027-03-28T12:00"))
        asked.append(len(found))

    assert asked[0] == asked[1] <= 5
