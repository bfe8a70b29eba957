"""What is kept for a time only goes when that time is over, and nothing else does."""

from datetime import datetime, timedelta

import pytest
from django.core.cache import cache
from django.db import connections
from django.utils import timezone

from accounts import actions
from accounts.actions import invite, note_activity, tidy
from accounts.models import Activity, Invitation, User
from accounts.tasks import tidy as task
from config.celery import app
from tests.conftest import Client
from vault.models import Session
from vault.sessions import SessionStore

KEPT = timedelta(days=90)


def session_until(end: datetime) -> str:
    store = SessionStore()
    store.last_until(end, stays=True)
    store.save()
    assert store.session_key
    return store.session_key


def test_activity_goes_after_ninety_days(alice: User, now: datetime) -> None:
    for age in (KEPT + timedelta(seconds=1), KEPT, timedelta(0)):
        note_activity(person=alice, kind=Activity.Kind.SIGNED_IN, now=now - age)

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
    monkeypatch.setattr(actions, "BATCH", 2)
    for _time in range(3):
        note_activity(person=alice, kind=Activity.Kind.SIGNED_IN, now=now - 2 * KEPT)
        session_until(now)

    left = []
    for _run in range(3):
        tidy(now=now)
        left.append((Activity.objects.count(), Session.objects.count()))

    assert left == [(1, 1), (0, 0), (0, 0)]


def test_task_goes_by_the_clock(alice: User) -> None:
    note_activity(person=alice, kind=Activity.Kind.SIGNED_IN, now=timezone.now() - 2 * KEPT)

    task()

    assert not Activity.objects.exists()


@pytest.mark.parametrize("name", ["accounts.tasks.tidy", "mail.tasks.tidy"])
def test_clock_runs_it_every_hour_and_a_late_one_is_dropped(name: str) -> None:
    [entry] = [each for each in app.conf.beat_schedule.values() if each["task"] == name]

    assert entry["schedule"] == timedelta(hours=1)
    assert entry["options"] == {"expires": 3600}
    app.loader.import_default_modules()
    assert name in app.tasks
