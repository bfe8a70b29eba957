import re
import resource
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from mail.actions import enqueue
from mail.emails import MailContent
from mail.models import Heartbeat, Message, State
from mail.sending import send_due
from operations import write_probes
from safety import collected_files_mark
from tests.support.client import Client
from tests.support.gunicorn_server import Web
from tests.support.smtp import Sink
from vault.key_ring import new_keyset
from vault.models import Key

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PARTS = ["database", "migrations", "writes", "limits", "keys", "beat", "mail"]
PARTS += ["redis", "files", "disk"]
HELLO = MailContent("s", "t", "h")


@pytest.fixture(autouse=True)
def started_now() -> None:
    """Another test may have started a process of its own in other folders."""
    collected_files_mark.mark_at_start.cache_clear()


@pytest.fixture
def beating(db: None) -> None:
    for name in ("mail", "reminders"):
        Heartbeat.objects.beat(name, now=datetime.now(UTC))


@pytest.fixture
def migration_missing(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM django_migrations WHERE id ="
            " (SELECT max(id) FROM django_migrations WHERE app = 'journal')"
        )


PROBED = ["/healthz", "/readyz", "/"]
# An address, as of a load balancer's probe; one of IPv6; a name that is not the site's.
PROBES = ["10.0.0.7:8000", "[::1]", "web", "not a host!"]


@pytest.mark.parametrize("host", PROBES)
def test_probe_is_answered_whatever_host_it_names(client: Client, beating: None, host: str) -> None:
    for method in (client.get, client.head):
        assert method("/healthz", headers={"Host": host}).status_code == 200
        assert method("/readyz", headers={"Host": host}).status_code == 200
    # Only these: pages have links and cookies of the site's own host.
    assert client.get("/", headers={"Host": host}).status_code == 400


def test_process_answers_without_a_database(
    client: Client, alice: User, django_assert_num_queries: Any
) -> None:
    """Also with the cookie of a signed-in session, which a browser sends."""
    client.force_login(alice)

    with django_assert_num_queries(0):
        assert client.get("/healthz").content == b"ok"


def test_probe_writes_its_request_and_nothing_else(web_server: Web) -> None:
    before = web_server.output.size()
    for method, path in [
        ("GET", "/healthz"),
        ("HEAD", "/healthz"),
        ("HEAD", "/readyz"),
        ("HEAD", "/"),
    ]:
        host = "localhost:8000" if path == "/" else "10.0.0.7:8000"
        head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        assert web_server.raw(head.encode()).startswith(b"HTTP/1.1 200 "), path

    lines = web_server.output.lines(before)
    assert [line["event"] for line in lines] == ["request"] * 4
    assert [line["route"] for line in lines] == ["healthz", "healthz", "readyz", "home:start"]


def test_ready_if_every_part_is_ok(client: Client, beating: None) -> None:
    response = client.get("/readyz")

    assert response.status_code == 200
    assert response.json() == {"state": "ready"} | dict.fromkeys(PARTS, "ok")


def test_missing_migration_is_unready(client: Client, migration_missing: None) -> None:
    response = client.get("/readyz")

    assert response.status_code == 503
    assert response.json() == {
        "state": "unready",
        "database": "ok",
        "migrations": "1 migrations are missing",
        "redis": "ok",
        "files": "ok",
        "disk": "ok",
    }


def test_unreachable_redis_only_degrades(
    client: Client, beating: None, settings: LazySettings
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    response = client.get("/readyz")

    assert response.status_code == 200
    assert response.json()["state"] == "degraded"
    assert response.json()["redis"] == "not answering (ConnectionError)"


def test_malformed_redis_url_only_degrades(
    client: Client, beating: None, settings: LazySettings
) -> None:
    settings.REDIS_URL = "localhost"

    response = client.get("/readyz")

    assert response.status_code == 200
    assert response.json()["redis"] == "not answering (ValueError)"


@pytest.mark.parametrize(
    ("name", "said"),
    [("k2", "a master key is missing"), ("k1", "a master key is not the one it was")],
)
def test_missing_or_wrong_master_key_only_degrades(
    client: Client, alice: User, beating: None, settings: LazySettings, name: str, said: str
) -> None:
    settings.VAULT_KEYS = f"{name}:{new_keyset()}"

    response = client.get("/readyz")

    assert response.status_code == 200
    assert response.json()["keys"] == said


def test_second_key_under_a_name_degrades(
    client: Client, alice: User, bob: User, beating: None
) -> None:
    Key.objects.filter(owner=bob).update(fingerprint="f" * 32)

    assert client.get("/readyz").json()["keys"] == (
        "two master keys were used under one name, or a key is damaged"
    )


def test_beat_that_stopped_days_ago_degrades(client: Client, beating: None) -> None:
    Heartbeat.objects.filter(name="mail").update(at=datetime.now(UTC) - timedelta(days=3))

    beat = client.get("/readyz").json()["beat"]

    assert int(re.findall(r"last seen (\d+) seconds ago", beat)[0]) >= 3 * 24 * 60 * 60


def test_beat_that_never_started_one_task_degrades(client: Client, beating: None) -> None:
    Heartbeat.objects.filter(name="reminders").delete()

    assert client.get("/readyz").json()["beat"] == "not seen yet: reminders"


def test_mail_that_waits_too_long_degrades(client: Client, beating: None) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=1, minutes=1)
    enqueue(kind="try", to="a@example.org", content=MailContent("s", "t", "h"), now=long_ago)

    assert re.fullmatch(r"864\d\d seconds late", client.get("/readyz").json()["mail"])


@pytest.mark.parametrize(
    ("setting", "reply", "said"),
    [
        ("recipient", "550 5.7.1 <bea@example.org>: blocked", "550 5.7.1 RCPT"),
        ("sender", "530 Authentication required", "530 MAIL"),
        ("drop", "at MAIL", "SMTPServerDisconnected"),
    ],
)
def test_mail_that_the_relay_refuses_because_of_us_degrades(
    client: Client, beating: None, sink: Sink, setting: str, reply: str, said: str
) -> None:
    now = datetime.now(UTC)
    for name in ("anna", "bea"):
        enqueue(kind="try", to=f"{name}@example.org", content=HELLO, now=now)
    setattr(sink, setting, reply)
    for seconds in (0, 2):
        send_due(clock=lambda seconds=seconds: now + timedelta(seconds=seconds))

    answer = client.get("/readyz").json()
    assert answer["state"] == "degraded"
    assert answer["mail"] == f"2 wait: the relay refuses us ({said})"

    # One of them is taken, so the other refusal was about its address.
    setattr(sink, setting, getattr(Sink(), setting))
    sink.recipients["bea@example.org"] = "550 5.7.1 blocked"
    for seconds in (20, 22):
        send_due(clock=lambda seconds=seconds: now + timedelta(seconds=seconds))
    enqueue(kind="try", to="cleo@example.org", content=HELLO, now=now)
    send_due(clock=lambda: now + timedelta(seconds=24))
    assert client.get("/readyz").json()["mail"] == "ok"


def test_mail_that_we_cannot_put_together_degrades(
    client: Client, beating: None, sink: Sink, settings: LazySettings
) -> None:
    now = datetime.now(UTC)
    enqueue(kind="try", to="anna@example.org", content=HELLO, now=now)
    settings.VAULT_KEYS = f"k2:{new_keyset()}"

    send_due(clock=lambda: now)

    assert client.get("/readyz").json()["mail"] == "1 wait: our own fault (CannotOpen)"


# --- ./dev manage status -------------------------------------------------------------------


@pytest.fixture
def status(capsys: pytest.CaptureFixture[str]) -> Callable[[], tuple[dict[str, str], str]]:
    """Return the line of each part, and the error it ends with or an empty text."""

    def status() -> tuple[dict[str, str], str]:
        message = ""
        try:
            call_command("status")
        except CommandError as error:
            message = str(error)
        lines = capsys.readouterr().out.splitlines()
        return dict(line.split(": ", 1) for line in lines), message

    return status


Status = Callable[[], tuple[dict[str, str], str]]


def test_status_prints_a_line_for_each_part(beating: None, status: Status) -> None:
    lines, error = status()

    ok = dict.fromkeys(PARTS, "ok")
    assert error == ""
    assert {name: lines[name] for name in ok} == ok
    assert re.fullmatch(r"\d+\.\d+\.\d+, at http://localhost:8000", lines["version"])
    assert lines["sign-up"] == "open to anyone (REGISTRATION=open)"
    assert lines["operators"] == "0. Run “create_operator”."
    assert lines["mail of the last day"] == "0 sent, 0 not; 0 due now"
    assert len(lines) == 14


def test_status_counts_operators_and_mail(
    beating: None, alice: User, status: Status, settings: LazySettings
) -> None:
    User.objects.update(is_staff=True)
    settings.REGISTRATION = "invitation"
    now = datetime.now(UTC)
    for number, state in enumerate(["sent", "sent", "failed", "unknown", "skipped"]):
        enqueue(
            kind="try",
            to="a@example.org",
            content=MailContent("s", "t", "h"),
            now=now,
            key=f"k{number}",
        )
        Message.objects.filter(key=f"k{number}").end(State(state), reason="why", now=now)
    enqueue(kind="try", to="a@example.org", content=MailContent("s", "t", "h"), now=now)

    lines, _ = status()

    assert lines["operators"] == "1"
    assert lines["sign-up"] == "by invitation (REGISTRATION=invitation)"
    assert lines["mail of the last day"] == "2 sent, 2 not; 1 due now"


def test_status_prints_remedies_and_fails(
    db: None, alice: User, status: Status, settings: LazySettings
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    settings.VAULT_KEYS = f"k2:{new_keyset()}"
    enqueue(
        kind="try",
        to="a@example.org",
        content=MailContent("s", "t", "h"),
        now=datetime.now(UTC) - timedelta(hours=1),
    )

    lines, error = status()

    assert error == "Needs a look: keys, beat, mail, redis."
    assert lines["keys"].startswith("a master key is missing. Put the old key back")
    assert lines["redis"].startswith("not answering (ConnectionError). Does Redis run")
    assert lines["beat"].startswith("not seen yet: mail, reminders. Do worker and beat run?")
    assert "seconds late. Try “send_test_mail”" in lines["mail"]


@pytest.mark.parametrize("look", ["/readyz", "status"])
def test_each_look_finds_a_missing_table_of_rate_limits(
    client: Client, beating: None, status: Status, look: str
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE cache")

    if look == "status":
        lines, error = status()
        assert error == "Needs a look: limits."
        assert lines["limits"].startswith("their table is missing. Run “createcachetable”.")
    else:
        answer = client.get("/readyz").json()
        assert (answer["state"], answer["limits"]) == ("degraded", "their table is missing")


@pytest.fixture
def collected_here(settings: LazySettings, tmp_path: Path) -> Iterator[Path]:
    """Folders for collected files of their own, as at a first start: nothing is in them."""
    settings.STATIC_ROOT, settings.PAGES_ROOT = tmp_path, tmp_path / "pages"
    # It takes seconds, and is not what this is about.
    settings.WHITENOISE_SKIP_COMPRESS_EXTENSIONS = ["css", "js", "svg", "txt", "json"]
    collected_files_mark.mark_at_start.cache_clear()
    yield tmp_path
    collected_files_mark.mark_at_start.cache_clear()


def collect() -> None:
    call_command("collectstatic", interactive=False, verbosity=0)


def collect_again() -> None:
    """The same files, by settings of now."""
    collected_files_mark.remove_mark()
    assert collected_files_mark.problem() == "not collected"
    collected_files_mark.write_mark()


def restart() -> None:
    """What a new process reads at its start."""
    collected_files_mark.mark_at_start.cache_clear()
    Client().get("/healthz")


def test_each_look_finds_what_prepare_has_not_made(
    client: Client, beating: None, status: Status, collected_here: Path, settings: LazySettings
) -> None:
    assert client.get("/readyz").json()["files"] == "not collected"
    lines, error = status()
    assert error == "Needs a look: files."
    assert lines["files"].startswith("not collected. Run “collectstatic”, then start the web")

    # Too late for the running web server, whose pages have no styles now.
    collect()
    late = client.get("/readyz").json()
    assert late["state"] == "degraded"
    assert late["files"] == "collected after this process had started"
    restart()
    assert client.get("/readyz").json()["files"] == "ok"

    # An upgrade that has not been prepared, or another name of the operator.
    settings.OPERATOR_NAME = "Somebody else"
    other = "collected by another version, or with other settings"
    assert client.get("/readyz").json()["files"] == other
    assert status()[0]["files"].startswith(other)

    # An upgrade that was prepared, with the old web server still running.
    collect_again()
    assert client.get("/readyz").json()["files"] == "collected after this process had started"
    restart()
    assert client.get("/readyz").json()["files"] == "ok"

    (collected_here / "pages" / "en" / "help" / "nl.html").unlink()
    assert client.get("/readyz").json()["files"] == "not collected"


def test_source_that_was_changed_is_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    more = [*collected_files_mark._read_sources(), ("css/new.css", b"a {}")]
    assert collected_files_mark.problem() == ""

    monkeypatch.setattr(collected_files_mark, "_read_sources", lambda: iter(more))
    collected_files_mark._sources.cache_clear()
    try:
        assert collected_files_mark.problem() == collected_files_mark.OTHER_VERSION
    finally:
        collected_files_mark._sources.cache_clear()


def test_status_of_a_database_without_all_migrations(
    migration_missing: None, status: Status
) -> None:
    lines, error = status()

    assert error == "Needs a look: migrations."
    assert lines.keys() == {"version", "database", "migrations", "redis", "files", "disk"}
    assert "Run “migrate”" in lines["migrations"]


@pytest.mark.usefixtures("database_down")
def test_status_of_an_unreachable_database(status: Status) -> None:
    lines, error = status()

    assert error == "Needs a look: database."
    assert lines.keys() == {"version", "database", "redis", "files", "disk"}
    assert lines["database"].startswith("not answering (OperationalError). Does Postgres run")


# --- What can be wrong while it is looked at -----------------------------------------------


def test_status_of_half_a_migration_names_the_parts_that_broke(
    beating: None, status: Status
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE mail_message CASCADE; DROP TABLE vault_key")

    lines, error = status()

    assert error == "Needs a look: mail."
    assert lines["mail"].startswith("not answering (ProgrammingError). Try")
    assert lines["beat"] == "ok"
    assert lines["the rest cannot be counted"] == "ProgrammingError"


@pytest.mark.usefixtures("database_down")
def test_status_names_everything_that_is_down_at_once(
    status: Status, settings: LazySettings, tmp_path: Path
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    settings.STATIC_ROOT = tmp_path
    (tmp_path / "staticfiles.json").mkdir()

    lines, error = status()

    assert error == "Needs a look: database, redis, files."
    assert lines["files"].startswith("not collected.")


# --- A full disk ---------------------------------------------------------------------------


@pytest.fixture
def probes() -> Iterator[None]:
    """What was written a moment ago says nothing about a disk that is full now."""
    yield
    write_probes._write_to_database.cache_clear()
    write_probes._write_to_disk.cache_clear()


@pytest.mark.usefixtures("probes")
def test_database_that_takes_no_writes_degrades(client: Client, beating: None) -> None:
    write_probes._write_to_database.cache_clear()
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")

    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["state"] == "degraded"
    assert answer.json()["writes"] == "it is read-only"


@pytest.mark.usefixtures("probes")
def test_database_without_room_for_a_megabyte_is_named(beating: None) -> None:
    """Postgres writes what it is asked to: no file of a query may grow here."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL temp_file_limit = '64kB'")

    assert write_probes.database(NOW) == "cannot be written (OperationalError)"


@pytest.mark.usefixtures("probes")
def test_disk_that_is_full_degrades_and_status_says_what_to_do(
    beating: None, status: Status, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_probes._write_to_disk.cache_clear()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**19, before[1]))
    try:
        limited = write_probes.disk(NOW)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    monkeypatch.setattr(tempfile, "TemporaryFile", partial(open, "/dev/full", "wb"))

    lines, error = status()

    assert limited == "cannot be written (OSError)"
    assert error == "Needs a look: disk."
    assert lines["disk"].startswith("the disk is full. Make room on this machine")


@pytest.mark.usefixtures("probes")
def test_probes_write_at_most_twice_a_minute(beating: None, django_assert_num_queries: Any) -> None:
    write_probes.database(NOW)

    with django_assert_num_queries(0):
        write_probes.database(NOW + timedelta(seconds=29))
    with CaptureQueriesContext(connection) as statements:
        write_probes.database(NOW + timedelta(seconds=30))
    written = [query["sql"] for query in statements if query["sql"].startswith("INSERT")]
    assert len(written) == 1
    assert not Heartbeat.objects.filter(name__startswith="write probe").exists()
