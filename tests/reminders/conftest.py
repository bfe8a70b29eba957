from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from accounts.models import User
from mail.models import Message
from mail.sending import send_due
from reminders import actions
from reminders.models import Schedule

Note = Callable[..., Message]


@pytest.fixture
def now() -> datetime:
    """A Thursday, noon in Berlin."""
    return datetime.fromisoformat("2026-03-12T11:00:00+00:00")


@pytest.fixture
def chosen(alice: User, now: datetime) -> Schedule:
    """Alice visited today and turned notes on around six in the evening."""
    alice.record_visit(now=now)
    actions.turn_on(person=alice, hour=18, zone="Europe/Berlin", now=now)
    return Schedule.objects.of(alice).get()


@pytest.fixture
def evening(now: datetime) -> datetime:
    """Three days later, half a minute before eight: her first note is due and in its window."""
    return now + timedelta(days=3, hours=7, minutes=59, seconds=30)


@pytest.fixture
def planned(chosen: Schedule, evening: datetime) -> Message:
    """Her first note, pending."""
    plan(evening)
    return Message.objects.get()


def plan(at: datetime) -> int:
    return actions.plan(clock=lambda: at)


def send(at: datetime) -> int:
    return send_due(clock=lambda: at)
