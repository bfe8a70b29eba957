"""Many requests of one person at once, on real connections, in whatever order they meet."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier

import pytest
from django.db import connections

from accounts.actions import make_operator
from accounts.models import User
from healing.models import StepMark
from reminders.actions import turn_off, turn_on
from reminders.models import Schedule
from tests.support.client import Client
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)

AT_ONCE = 16


def at_once(act: Callable[[int], object], count: int = AT_ONCE) -> list[object]:
    """Call `act` with each number in a thread of its own, all started at the same moment."""
    start = Barrier(count)

    def wait_and_act(number: int) -> object:
        try:
            start.wait(PATIENCE)
            return act(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(wait_and_act, range(count), timeout=PATIENCE))


def test_step_is_marked_and_opened_by_sixteen_pages(alice: User) -> None:
    browsers = [Client() for _ in range(AT_ONCE)]
    for browser in browsers:
        browser.force_login(alice)
    choices = ["settled", "open", "aside", "open"]

    def mark(number: int) -> object:
        answers = [
            browsers[number].post("/steps/4/mark/", {"state": choices[(number + turn) % 4]})
            for turn in range(8)
        ]
        return {answer.status_code for answer in answers}

    assert at_once(mark) == [{302}] * AT_ONCE
    assert StepMark.objects.count() <= 1


def test_notes_are_chosen_and_stopped_by_sixteen_pages(alice: User, now: datetime) -> None:
    def choose(number: int) -> object:
        for turn in range(8):
            if (number + turn) % 2:
                turn_on(person=User.objects.get(pk=alice.pk), hour=9, zone="UTC", now=now)
            else:
                turn_off(Schedule.objects.of(alice), now=now)
        return "done"

    assert at_once(choose) == ["done"] * AT_ONCE
    assert Schedule.objects.count() <= 1


def test_operator_is_made_by_sixteen_commands(alice: User) -> None:
    def make(number: int) -> object:
        make_operator(person=User.objects.get(pk=alice.pk))
        return "done"

    assert at_once(make) == ["done"] * AT_ONCE
