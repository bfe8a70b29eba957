"""Real servers, in folders of their own."""

import contextlib
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from local.folder import Place, State, Trouble
from local.processes import belonging_to
from local.servers import PORTS, is_free
from local.stack import held, servers
from safety.postgres_logging import LOG_SETTINGS
from tests.support.dev_command import is_running, serving
from tests.support.waiting import wait_for


@contextmanager
def running(place: Place, bare: dict[str, str]) -> Iterator[State]:
    with held(place, "run"), servers(place, "run", dict(bare), keep=True) as state:
        yield state


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A place in which Postgres has been set up, to be copied: setting it up takes a second."""
    place = Place(tmp_path_factory.mktemp("made"))
    place.make()
    with running(place, dict(os.environ, DATABASE_URL="", REDIS_URL="")):
        pass
    return place


@pytest.fixture
def used(made: Place, place: Place) -> Place:
    """A place that was used before."""
    shutil.copytree(made.folder, place.folder, dirs_exist_ok=True)
    return place


def query(state: State, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(state.environment["DATABASE_URL"], autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def test_what_was_kept_is_there_after_a_restart(place: Place, bare: dict[str, str]) -> None:
    with running(place, bare) as state:
        query(state, "CREATE TABLE letters AS SELECT 'still here' AS words")

    with running(place, bare) as state:
        assert query(state, "SELECT words FROM letters") == [("still here",)]


def test_servers_leave_nothing_behind(used: Place, bare: dict[str, str]) -> None:
    with running(used, bare) as state:
        pids = list(state.pids.values())
        assert [is_running(pid) for pid in pids] == [True, True]

    assert [is_running(pid) for pid in pids] == [False, False]
    assert belonging_to(state.run) == []
    assert not used.state.exists()


def test_servers_listen_on_loopback_and_nowhere_else(used: Place, bare: dict[str, str]) -> None:
    with running(used, bare) as state:
        listening = [
            connection
            for pid in state.pids.values()
            for connection in psutil.Process(pid).net_connections(kind="all")
            if connection.status == psutil.CONN_LISTEN or connection.family == socket.AF_UNIX
        ]

    assert {connection.laddr.ip for connection in listening} == {"127.0.0.1"}
    assert len(listening) == 2
    assert all(connection.laddr.port in PORTS for connection in listening)


def test_servers_open_only_with_their_password(used: Place, bare: dict[str, str]) -> None:
    with running(used, bare) as state:
        database = state.environment["DATABASE_URL"].replace("://postgres:", "://postgres:x")
        broker = state.environment["REDIS_URL"].replace("://:", "://:x")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(database)
        with pytest.raises(redis.AuthenticationError), redis.Redis.from_url(broker) as client:
            client.ping()


def test_passwords_are_not_on_a_command_line(used: Place, bare: dict[str, str]) -> None:
    secrets = used.read_secrets()
    with running(used, bare) as state:
        lines = [" ".join(psutil.Process(pid).cmdline()) for pid in state.pids.values()]

    assert not [line for line in lines if any(secret in line for secret in secrets.values())]


def test_named_servers_are_used_and_none_started(place: Place, bare: dict[str, str]) -> None:
    bare["DATABASE_URL"] = "postgres://elsewhere/site"
    bare["REDIS_URL_FILE"] = "/run/secrets/redis"
    with running(place, bare) as state:
        assert state.pids == {}
        assert state.environment["DATABASE_URL"] == "postgres://elsewhere/site"
        assert "REDIS_URL" not in state.environment

    assert not place.database.exists()


def test_secrets_are_made_once_for_their_owner_only(place: Place) -> None:
    first = place.read_secrets()

    assert place.read_secrets() == first
    assert place.secrets.stat().st_mode & 0o777 == 0o600
    assert set(first) == {"POSTGRES_PASSWORD", "REDIS_PASSWORD", "SECRET_KEY", "VAULT_KEYS"}


def test_secrets_are_not_made_again_beside_data_they_would_not_open(used: Place) -> None:
    used.secrets.unlink()

    with pytest.raises(Trouble, match=r"put .*secrets back"):
        used.read_secrets()
    assert not used.secrets.exists()


def test_secrets_with_a_name_missing_are_asked_for(place: Place) -> None:
    place.secrets.write_text("SECRET_KEY=x\nPOSTGRES_PASSWORD=x\nREDIS_PASSWORD=x\n")

    with pytest.raises(Trouble, match="lacks VAULT_KEYS"):
        place.read_secrets()


def test_secrets_of_other_data_are_named(used: Place, bare: dict[str, str]) -> None:
    lines = used.secrets.read_text().replace("POSTGRES_PASSWORD=", "POSTGRES_PASSWORD=x")
    used.secrets.write_text(lines)

    with pytest.raises(Trouble, match="secrets does not open the data in"), running(used, bare):
        pass


def test_data_that_lacks_a_part_is_named_with_its_log(used: Place, bare: dict[str, str]) -> None:
    (used.database / "global" / "pg_control").unlink()

    with pytest.raises(Trouble, match=r"does not start with the data.*postgres\.log.*pg_control"):
        start_in_one_line(used, bare)


def start_in_one_line(place: Place, bare: dict[str, str]) -> None:
    """The words of the trouble without their line breaks."""
    try:
        with running(place, bare):
            pass
    except Trouble as trouble:
        raise Trouble(" ".join(str(trouble).split())) from trouble


def test_a_folder_that_is_no_database_is_named(used: Place, bare: dict[str, str]) -> None:
    (used.database / "PG_VERSION").unlink()

    with pytest.raises(Trouble, match="is not a whole Postgres data folder"), running(used, bare):
        pass


def test_data_of_another_postgres_is_named(used: Place, bare: dict[str, str]) -> None:
    (used.database / "PG_VERSION").write_text("15\n")

    with pytest.raises(Trouble, match="was made by Postgres 15"), running(used, bare):
        pass


def test_setting_up_that_was_interrupted_begins_anew(place: Place, bare: dict[str, str]) -> None:
    unfinished = place.folder / "postgres.unfinished"
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("")

    with running(place, bare) as state:
        assert query(state, "SELECT 1") == [(1,)]
    assert not unfinished.exists()


def test_a_very_long_path_is_no_trouble(made: Place, bare: dict[str, str], tmp_path: Path) -> None:
    long = Place(tmp_path.joinpath(*["a folder with quite a long name " * 4] * 5))
    shutil.copytree(made.folder, long.folder)

    assert len(str(long.database)) > 600
    with running(long, bare) as state:
        assert query(state, "SELECT 1") == [(1,)]


def test_a_path_longer_than_postgres_holds_is_named(bare: dict[str, str], tmp_path: Path) -> None:
    long = Place(tmp_path.joinpath(*["a folder with quite a long name " * 4] * 7))
    long.make()

    with pytest.raises(Trouble, match="is longer than Postgres can hold"), running(long, bare):
        pass


def test_a_number_left_by_a_crash_may_be_someone_elses(used: Place, bare: dict[str, str]) -> None:
    stale = used.database / "postmaster.pid"
    stale.write_text(f"{os.getpid()}\n{used.database}\n1700000000\n5432\n\n\n\n")

    with running(used, bare) as state:
        assert query(state, "SELECT 1") == [(1,)]


def test_a_killed_launcher_is_recovered_from(used: Place, bare: dict[str, str]) -> None:
    with serving(used, bare) as (launcher, pids):
        launcher.kill()
    assert [is_running(pid) for pid in pids] == [True, True]

    with running(used, bare) as state:
        assert [is_running(pid) for pid in pids] == [False, False]
        assert query(state, "SELECT 1") == [(1,)]


def test_a_killed_launcher_is_recovered_from_without_its_note(
    used: Place, bare: dict[str, str]
) -> None:
    with serving(used, bare) as (launcher, pids):
        launcher.kill()
    used.state.unlink()

    with running(used, bare) as state:
        assert not is_running(pids[0])
        assert query(state, "SELECT 1") == [(1,)]
    # Without its note nothing says that this Redis was ours: a stranger's is never ended.
    psutil.Process(pids[1]).kill()


def test_a_port_someone_listens_on_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert not is_free(taken.getsockname()[1])


# --- What they log -------------------------------------------------------------------------

CANARY = "canary-alice@example.org"
READY = "database system is ready to accept connections"
# Each puts the word where Postgres would repeat it: what it cannot read, the statement, a
# parameter, a key, a row, a name, a check, what somebody raises, a notice, a connection.
REPEATED = [
    (f"SELECT '{CANARY}'::uuid", ()),
    (f'TABLE "{CANARY}"', ()),
    (f"SELECT 1 {CANARY}", ()),
    (f"SELECT 1/0 /* {CANARY} */", ()),
    ("SELECT %s::text::int", (CANARY,)),
    ("INSERT INTO people VALUES (%s), (%s)", (CANARY, CANARY)),
    ("INSERT INTO people VALUES (%s || ' too long')", (CANARY * 9,)),
    (f"DO $$ BEGIN RAISE EXCEPTION '{CANARY}'; END $$", ()),
    (f"DO $$ BEGIN RAISE WARNING '{CANARY}'; END $$", ()),
    ("SELECT pg_sleep(0.01), %s::text", (CANARY,)),
]


def test_postgres_repeats_no_word_in_its_log(used: Place, bare: dict[str, str]) -> None:
    log = used.log / "postgres.log"
    with running(used, bare) as state:
        starts = log.read_text().count(READY)
        query(state, "CREATE TABLE people (email varchar(200) UNIQUE)")
        url = state.environment["DATABASE_URL"]
        with psycopg.connect(url, autocommit=True) as connection:
            for statement, parameters in REPEATED:
                with contextlib.suppress(psycopg.Error):
                    connection.execute(statement.encode(), parameters)
            # Whoever is killed at work is named with the statement it was at.
            killer = threading.Thread(target=kill_when_asleep, args=(url, connection))
            killer.start()
            with contextlib.suppress(psycopg.Error):
                connection.execute(f"SELECT pg_sleep(60), '{CANARY}'".encode())
            killer.join()
        # What it says while it puts itself in order is looked at too. Told to stop in the middle of
        # that, it does not.
        wait_for(lambda: log.read_text().count(READY) > starts, "Postgres to be back")

    assert "was terminated by signal 9" in log.read_text()
    assert CANARY not in log.read_text()


def kill_when_asleep(url: str, connection: psycopg.Connection) -> None:
    """End one of Postgres's own processes as the system does when memory is short."""
    pid = connection.info.backend_pid
    asleep = "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND wait_event = 'PgSleep'"
    with psycopg.connect(url, autocommit=True) as other:
        while not other.execute(asleep, (pid,)).fetchone():
            pass
        psutil.Process(pid).kill()


def test_redis_repeats_no_word_in_its_log(used: Place, bare: dict[str, str]) -> None:
    odd = ([CANARY], ["INCR", "a"], ["AUTH", CANARY], ["EVAL", CANARY, "0"])
    with running(used, bare) as state, redis.from_url(state.environment["REDIS_URL"]) as client:
        client.set("a", CANARY)
        for command in odd:
            with contextlib.suppress(redis.RedisError):
                client.execute_command(*command)

    log = (used.log / "redis.log").read_text()
    assert "Ready to accept connections" in log
    assert CANARY not in log


def test_postgres_of_ours_is_as_quiet_as_the_check_asks(used: Place, bare: dict[str, str]) -> None:
    with running(used, bare) as state:
        said = dict(query(state, "SELECT name, setting FROM pg_settings"))

    assert said.items() >= LOG_SETTINGS.items()
