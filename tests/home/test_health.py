import re
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import User
from mail.actions import post
from mail.emails import Words
from mail.models import Heartbeat
from tests.conftest import Client
from vault.sealing import new_keyset


@pytest.fixture
def beating(db: None) -> None:
    for name in ("mail", "reminders"):
        Heartbeat.objects.beat(name, now=datetime.now(UTC))


@pytest.fixture
def migration_missing(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'journal'")


def test_process_answers_without_a_database(client: Client) -> None:
    assert client.get("/healthz").content == b"ok"


def test_everything_well_is_ready(client: Client, beating: None) -> None:
    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {
        "state": "ready",
        "database": "ok",
        "keys": "ok",
        "redis": "ok",
        "beat": "ok",
        "mail": "ok",
    }


def test_missing_migration_is_unready(client: Client, migration_missing: None) -> None:
    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json() == {"state": "unready", "database": "1 migrations are missing"}


def test_redis_that_is_away_only_degrades(
    client: Client, beating: None, settings: LazySettings
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["state"] == "degraded"
    assert answer.json()["redis"] == "not answering (ConnectionError)"


def test_missing_master_key_only_degrades(
    client: Client, alice: User, beating: None, settings: LazySettings
) -> None:
    settings.VAULT_KEYS = f"k2:{new_keyset()}"

    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["keys"] == "a master key is missing"


def test_clock_that_stopped_days_ago_degrades(client: Client, beating: None) -> None:
    Heartbeat.objects.filter(name="mail").update(at=datetime.now(UTC) - timedelta(days=3))

    said = client.get("/readyz").json()["beat"]

    assert int(re.findall(r"last seen (\d+) seconds ago", said)[0]) >= 3 * 24 * 60 * 60


def test_clock_of_which_one_part_never_ticked_degrades(client: Client, beating: None) -> None:
    Heartbeat.objects.filter(name="reminders").delete()

    assert client.get("/readyz").json()["beat"] == "not seen yet: reminders"


def test_mail_that_waits_too_long_degrades(client: Client, beating: None) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=1, minutes=1)
    post(kind="try", to="a@example.org", words=Words("s", "t", "h"), now=long_ago)

    assert re.fullmatch(r"864\d\d seconds late", client.get("/readyz").json()["mail"])


def test_status_exits_non_zero_when_something_needs_a_look(db: None) -> None:
    with pytest.raises(CommandError, match="Needs a look: beat"):
        call_command("status")


def test_status_is_quiet_when_all_is_well(
    beating: None, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("status")

    assert "mail: ok" in capsys.readouterr().out
