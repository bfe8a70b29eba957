from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.models import User
from tests.support.accounts import EVENING
from tests.support.client import Client
from tests.support.database import Statements


def test_visit_is_noted_at_most_hourly(as_alice: Client, alice: User) -> None:
    User.objects.update(lock_after=None)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        first = timezone.now()
        for minutes in (0, 59):
            clock.move_to(first + timedelta(minutes=minutes))
            as_alice.get("/accounts/logout/")
            alice.refresh_from_db()
            assert alice.last_visit_at == first

        clock.move_to(first + timedelta(minutes=60))
        as_alice.get("/accounts/logout/")
        alice.refresh_from_db()
        assert alice.last_visit_at == first + timedelta(minutes=60)


def test_visit_costs_nothing_within_the_hour(as_alice: Client, statements: Statements) -> None:
    as_alice.get("/accounts/logout/")

    with statements() as found:
        as_alice.get("/accounts/logout/")

    assert not [sql for sql in found if sql.startswith("UPDATE")]


@pytest.mark.parametrize("address", ["/nope/", "/accounts/activity/"])
def test_what_failed_is_no_visit(as_alice: Client, alice: User, address: str) -> None:
    assert as_alice.post(address).status_code >= 400

    alice.refresh_from_db()
    assert alice.last_visit_at is None


def test_visit_of_someone_erased_meanwhile_is_no_error(alice: User) -> None:
    User.objects.filter(pk=alice.pk).delete()

    alice.record_visit(now=EVENING)

    assert not User.objects.exists()
