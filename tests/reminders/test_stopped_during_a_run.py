"""What is stopped while a run sends stays stopped, as its page says: nothing more comes."""

from collections.abc import Callable
from datetime import datetime

import pytest
from django.db import connections

from accounts.erasure import erase
from accounts.models import User
from mail.models import Message
from reminders import actions
from reminders.models import Schedule
from tests.reminders.conftest import plan, send
from tests.support.client import Client
from tests.support.people import signed_in
from tests.support.smtp import Sink

pytestmark = pytest.mark.django_db(transaction=True)


def press_the_stop_link(person: User, now: datetime) -> None:
    token = Schedule.objects.of(person).get().token
    assert "Reminders have stopped" in Client().post(f"/r/{token}/").text


def turn_off(person: User, now: datetime) -> None:
    page = signed_in(person).post("/you/reminders/off/", follow=True)
    assert "Nothing more will come." in page.text


def erase_the_account(person: User, now: datetime) -> None:
    erase(person=person, now=now)


def visit(person: User, now: datetime) -> None:
    person.record_visit(now=now)


@pytest.mark.parametrize("stop", [press_the_stop_link, turn_off, erase_the_account, visit])
def test_note_that_is_claimed_already_does_not_leave(
    alice: User,
    bob: User,
    sink: Sink,
    now: datetime,
    evening: datetime,
    stop: Callable[[User, datetime], None],
) -> None:
    """While the relay takes the first note, the other one is claimed and not handed over yet."""
    for person in (alice, bob):
        person.record_visit(now=now)
        actions.turn_on(person=person, hour=18, zone="Europe/Berlin", now=now)
    plan(evening)
    assert Message.objects.pending().count() == 2

    def stop_the_other() -> None:
        sink.when_handed_over = lambda: None
        [first] = sink.to
        stop(User.objects.exclude(email=first).get(), evening)
        connections.close_all()

    sink.when_handed_over = stop_the_other
    send(evening)

    assert len([mail for mail in sink.mails if mail["List-Unsubscribe"]]) == 1
    assert not Message.objects.filter(state__in=("due", "sending"), kind="reminder").exists()
