"""On the day that a letter was sealed until, a mail says that something is ready, and no more."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connections, transaction

from accounts.models import User
from journal import actions
from journal.models import Letter
from mail.actions import send_due
from mail.models import Message
from reminders import actions as reminders
from tests.conftest import Statements
from tests.reminders.conftest import sink as sink
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
    """Until the day on which the clocks in Berlin go forward; a mail at six in the evening."""
    alice.time_zone = "Europe/Berlin"
    alice.save()
    letter = a_draft(alice, "I kept checking.", now=now)
    letter.seal_until(SPRING, tell_hour=18, person=alice, now=now)
    return letter


def tell(moment: datetime) -> int:
    actions.queue_ready_mails(now=moment)
    return send_due(clock=lambda: moment)


def test_day_is_told_of_once_at_their_hour(sealed: Letter, alice: User, sink: Sink) -> None:
    assert tell(at("2027-03-28T17:59")) == 0
    assert tell(at("2027-03-28T18:00")) == 1
    assert tell(at("2027-03-28T18:01")) == 0

    (mail,) = sink.mails
    assert mail["To"] == alice.email
    said = f"{mail['Subject']} {mail.as_string()}"
    for word in ("letter", "Letter", "checking", "seal", "boat"):
        assert word not in said.replace("Paper Boat", "")


def test_day_that_is_told_twice_makes_one_mail(sealed: Letter) -> None:
    actions.queue_ready_mails(now=at("2027-03-28T18:00"))
    Letter.objects.update(tell_at=sealed.tell_at)
    actions.queue_ready_mails(now=at("2027-03-28T18:00"))

    assert Message.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_run_passes_by_what_another_run_holds(sealed: Letter) -> None:
    moment = at("2027-03-28T18:00")
    with transaction.atomic(), ThreadPoolExecutor(1) as others:
        Letter.objects.select_for_update().get()
        assert (
            others.submit(_elsewhere, lambda: actions.queue_ready_mails(now=moment)).result(60) == 0
        )

    assert actions.queue_ready_mails(now=moment) == 1
    assert Message.objects.count() == 1


def _elsewhere(act: Callable[[], int]) -> int:
    """On a connection of its own."""
    try:
        return act()
    finally:
        connections.close_all()


def test_no_hour_means_no_mail(alice: User, now: datetime, sink: Sink) -> None:
    letter = a_draft(alice, now=now)
    letter.seal_until(SPRING, tell_hour=None, person=alice, now=now)

    assert tell(at("2027-03-29T12:00")) == 0


@pytest.mark.parametrize(
    "meanwhile", ["opened", "let go", "set aside again", "erased", "closed out"]
)
def test_letter_that_is_not_set_aside_any_more_is_not_told_of(
    sealed: Letter, alice: User, sink: Sink, meanwhile: str
) -> None:
    moment = at("2027-03-28T18:00")
    actions.queue_ready_mails(now=moment)
    if meanwhile == "opened":
        sealed.unseal(now=moment)
    elif meanwhile == "let go":
        sealed.let_go(leaves_line=False, now=moment)
    elif meanwhile == "erased":
        alice.delete()
    elif meanwhile == "closed out":
        User.objects.update(is_active=False)
    else:
        sealed.seal_until(date(2028, 1, 1), tell_hour=9, person=alice, now=moment)

    assert send_due(clock=lambda: moment) == 0
    assert sink.mails == []


def test_letter_that_was_brought_back_is_told_of_after_all(
    sealed: Letter, alice: User, sink: Sink
) -> None:
    sealed.let_go(leaves_line=False, now=at("2027-03-28T17:55"))
    assert tell(at("2027-03-28T18:00")) == 0

    sealed.bring_back(now=at("2027-03-28T18:01"))

    assert tell(at("2027-03-28T18:02")) == 1


def test_nobody_is_told_at_night(sealed: Letter, sink: Sink) -> None:
    """The worker was down in the evening."""
    assert tell(at("2027-03-28T20:00")) == 0
    assert tell(at("2027-03-29T07:59")) == 0
    assert tell(at("2027-03-29T08:00")) == 1


def test_mail_that_could_not_leave_in_time_leaves_in_the_morning(
    sealed: Letter, sink: Sink
) -> None:
    """The relay was down in the evening."""
    actions.queue_ready_mails(now=at("2027-03-28T18:00"))

    assert tell(at("2027-03-28T20:30")) == 0
    assert tell(at("2027-03-29T08:00")) == 1


def test_whoever_moves_is_told_by_their_new_clock(sealed: Letter, alice: User) -> None:
    alice.time_zone = "Pacific/Auckland"
    alice.save()

    actions.time_zone_changed(person=alice, now=at("2026-05-01T12:00"))

    sealed.refresh_from_db()
    assert sealed.tell_at == datetime(2027, 3, 28, 18, tzinfo=ZoneInfo("Pacific/Auckland"))


def test_zone_that_is_said_with_the_reminders_is_theirs_too(
    sealed: Letter, alice: User, now: datetime
) -> None:
    reminders.turn_on(person=alice, hour=9, zone="Pacific/Auckland", now=now)

    sealed.refresh_from_db()
    assert sealed.tell_at == datetime(2027, 3, 28, 18, tzinfo=ZoneInfo("Pacific/Auckland"))


def test_mail_that_waits_moves_with_them(sealed: Letter, alice: User) -> None:
    """The relay was down, and where they are now it is night."""
    moment = at("2027-03-28T18:00")
    actions.queue_ready_mails(now=moment)
    alice.time_zone = "Pacific/Auckland"
    alice.save()

    actions.time_zone_changed(person=alice, now=moment)

    message = Message.objects.get()
    morning = datetime(2027, 3, 29, 8, tzinfo=ZoneInfo("Pacific/Auckland"))
    assert (message.due_at, message.closes_at) == (morning, morning + 12 * HOUR)


def test_statements_of_telling_do_not_grow_with_the_letters(
    alice: User, now: datetime, statements: Statements
) -> None:
    asked = []
    for many in (1, 30):
        for _ in range(many):
            a_draft(alice, now=now).seal_until(SPRING, tell_hour=9, person=alice, now=now)
        with statements() as found:
            actions.queue_ready_mails(now=at("2027-03-28T12:00"))
        asked.append(len(found))

    assert asked[0] == asked[1] <= 5
