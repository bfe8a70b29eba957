"""`tidy` deletes what has expired, and nothing else."""

import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.core.cache import cache
from django.db import ProgrammingError, connection, connections, transaction
from django.utils import timezone

from accounts import tidying
from accounts.invitations import invite
from accounts.models import Activity, Invitation, User
from accounts.security_notices import record_activity
from accounts.tasks import tidy as task
from accounts.tidying import tidy
from config.celery import app
from tests.support.client import PASSWORD, Client
from tests.support.waiting import PATIENCE, wait_for
from vault.sessions import Session, SessionStore

KEPT = timedelta(days=90)


def session_until(end: datetime) -> str:
    store = SessionStore()
    store.set_absolute_expiry(end, persistent=True)
    store.save()
    assert store.session_key
    return store.session_key


def test_activity_goes_after_ninety_days(alice: User, now: datetime) -> None:
    for age in (KEPT + timedelta(seconds=1), KEPT, timedelta(0)):
        record_activity(person=alice, kind=Activity.Kind.SIGNED_IN, now=now - age)

    tidy(now=now)

    assert set(Activity.objects.values_list("at", flat=True)) == {now - KEPT, now}


def test_sessions_go_when_they_have_ended(as_alice: Client, now: datetime) -> None:
    over, lasting = session_until(now), session_until(now + timedelta(seconds=1))

    tidy(now=now)

    keys = set(Session.objects.values_list("session_key", flat=True))
    assert over not in keys
    assert keys == {lasting, as_alice.session.session_key}


@pytest.mark.parametrize("became", ["used", "ended"])
def test_invitations_go_ninety_days_after_they_were_over(
    db: None, now: datetime, became: str
) -> None:
    [over, not_yet, still_good] = invite(count=3, days=100, now=now)
    for invitation, age in ((over, KEPT + timedelta(seconds=1)), (not_yet, KEPT)):
        field = "used_at" if became == "used" else "ends_at"
        Invitation.objects.filter(pk=invitation.pk).update(**{field: now - age})

    tidy(now=now)

    assert set(Invitation.objects.all()) == {not_yet, still_good}


def test_counts_of_limits_go_when_they_count_no_more(db: None) -> None:
    cache.clear()
    cache.set("over", 1, timeout=1)
    cache.set("counts", 1, timeout=3600)

    tidy(now=timezone.now() + timedelta(minutes=1))

    with connections["cache"].cursor() as cursor:
        cursor.execute("SELECT cache_key FROM cache")
        assert [row[0] for row in cursor.fetchall()] == [cache.make_key("counts")]


def test_people_and_what_is_theirs_stay(
    alice: User, carol: User, as_alice: Client, as_carol: Client, now: datetime
) -> None:
    tidy(now=timezone.now() + timedelta(hours=1))

    assert User.objects.count() == 2
    assert Session.objects.count() == 2


def test_one_run_deletes_so_much_and_the_next_the_rest(
    alice: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tidying, "BATCH_SIZE", 2)
    for _time in range(3):
        record_activity(person=alice, kind=Activity.Kind.SIGNED_IN, now=now - 2 * KEPT)
        session_until(now)

    left = []
    for _run in range(3):
        tidy(now=now)
        left.append((Activity.objects.count(), Session.objects.count()))

    assert left == [(1, 1), (0, 0), (0, 0)]


def test_task_goes_by_the_clock(alice: User) -> None:
    record_activity(person=alice, kind=Activity.Kind.SIGNED_IN, now=timezone.now() - 2 * KEPT)

    task()

    assert not Activity.objects.exists()


# --- One kind cannot be deleted -------------------------------------------------------------

# Table that is missing → kinds that cannot be deleted then. Deleting an account touches them all.
AWAY = {
    "account_emailaddress": {"accounts"},
    "vault_session": {"accounts", "sessions"},
    "accounts_activity": {"accounts", "activity"},
    "accounts_invitation": {"invitations"},
    "cache": {"limits"},
}


def create_expired_rows(now: datetime) -> None:
    """One expired row of each kind."""
    dana = User.objects.create_user("dana@example.org", PASSWORD)
    User.objects.filter(pk=dana.pk).update(joined_at=now - KEPT)
    record_activity(person=dana, kind=Activity.Kind.SIGNED_IN, now=now - 2 * KEPT)
    session_until(now)
    invite(days=1, now=now - 2 * KEPT)
    cache.clear()
    cache.set("over", 1, timeout=1)


def remaining_kinds() -> set[str]:
    with connections["cache"].cursor() as cursor:
        cursor.execute("SELECT cache_key FROM cache")
        limits = cursor.fetchall()
    kinds = {
        "accounts": User.objects.all(),
        "sessions": Session.objects.all(),
        "activity": Activity.objects.all(),
        "invitations": Invitation.objects.all(),
        "limits": limits,
    }
    return {kind for kind, rows in kinds.items() if rows}


@contextmanager
def missing_table(table: str) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO away")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE away RENAME TO {table}")


@contextmanager
def wait_for_locked_table(table: str) -> Iterator[None]:
    """Raise the worker's soft time limit in a query that waits for this table's lock."""
    held, over = threading.Event(), threading.Event()
    us = threading.get_ident()

    def hold() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
                held.set()
                wait_for(lambda: _is_waited_for(cursor), "somebody who waits")
                signal.pthread_kill(us, signal.SIGUSR1)
                over.wait(PATIENCE)
        finally:
            connections.close_all()

    before = signal.signal(signal.SIGUSR1, _time_is_up)
    with ThreadPoolExecutor(1) as pool:
        holder = pool.submit(hold)
        assert held.wait(PATIENCE)
        try:
            yield
        finally:
            over.set()
    signal.signal(signal.SIGUSR1, before)
    holder.result()


def _is_waited_for(cursor: Any) -> bool:
    cursor.execute(
        "SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    )
    return cursor.fetchone() is not None


def _time_is_up(*_args: object) -> None:
    raise SoftTimeLimitExceeded


def kinds_in(caplog: pytest.LogCaptureFixture) -> set[str]:
    return {vars(record)["kind"] for record in caplog.records if record.name == "accounts.tidying"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("table", "stays"), AWAY.items(), ids=AWAY)
def test_one_kind_that_cannot_be_deleted_keeps_no_other(
    caplog: pytest.LogCaptureFixture, table: str, stays: set[str]
) -> None:
    now = timezone.now() + timedelta(minutes=1)
    create_expired_rows(now)

    with missing_table(table), pytest.raises(ExceptionGroup) as broken:
        tidy(now=now)

    assert kinds_in(caplog) == stays
    assert {type(error) for error in broken.value.exceptions} == {ProgrammingError}
    assert remaining_kinds() == stays
    tidy(now=now)
    assert remaining_kinds() == set()


@pytest.mark.django_db(transaction=True)
def test_kind_that_runs_into_the_time_limit_does_not_stop_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The table stays locked until the task's time limit."""
    now = timezone.now() + timedelta(minutes=1)
    create_expired_rows(now)

    with wait_for_locked_table("account_emailaddress"), pytest.raises(ExceptionGroup) as broken:
        tidy(now=now)

    assert [type(error) for error in broken.value.exceptions] == [SoftTimeLimitExceeded]
    assert remaining_kinds() == kinds_in(caplog) == {"accounts"}


@pytest.mark.django_db(transaction=True)
def test_cache_connection_is_reopened_after_the_time_limit(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = timezone.now() + timedelta(minutes=1)
    create_expired_rows(now)
    with wait_for_locked_table("cache"), pytest.raises(ExceptionGroup):
        tidy(now=now)
    assert kinds_in(caplog) == {"limits"}

    tidy(now=now)

    assert remaining_kinds() == set()


def test_clock_drops_expired_entries_every_minute() -> None:
    name = "accounts.tasks.drop_expired_entries"
    [entry] = [each for each in app.conf.beat_schedule.values() if each["task"] == name]

    assert entry["schedule"] == timedelta(minutes=1)
    app.loader.import_default_modules()
    assert name in app.tasks


@pytest.mark.parametrize("name", ["accounts.tasks.tidy", "mail.tasks.tidy"])
def test_clock_runs_it_every_hour_and_a_late_one_is_dropped(name: str) -> None:
    [entry] = [each for each in app.conf.beat_schedule.values() if each["task"] == name]

    assert entry["schedule"] == timedelta(hours=1)
    assert entry["options"] == {"expires": 3600}
    app.loader.import_default_modules()
    assert name in app.tasks
