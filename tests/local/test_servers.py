"""Real Postgres and Redis servers, each in a folder of its own."""

import contextlib
import os
import shutil
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from local.folder import LocalFolder, State, UserError
from local.processes import processes_of_run
from local.servers import PORTS, is_free, loopback_hosts
from local.stack import locked, run_servers
from safety.postgres_logging import LOG_SETTINGS
from tests.support.dev_command import is_running, serving
from tests.support.waiting import wait_for


@contextmanager
def running(folder: LocalFolder, environment: dict[str, str]) -> Iterator[State]:
    with (
        locked(folder, "run"),
        run_servers(folder, "run", dict(environment), durable=True) as running,
    ):
        yield running.state


def query(state: State, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(state.environment["DATABASE_URL"], autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def test_data_is_there_after_a_restart(
    local_folder: LocalFolder, clean_env: dict[str, str]
) -> None:
    with running(local_folder, clean_env) as state:
        query(state, "CREATE TABLE letters AS SELECT 'still here' AS words")

    with running(local_folder, clean_env) as state:
        assert query(state, "SELECT words FROM letters") == [("still here",)]


def test_servers_leave_nothing_behind(
    folder_with_data: LocalFolder, clean_env: dict[str, str]
) -> None:
    with running(folder_with_data, clean_env) as state:
        pids = list(state.pids.values())
        assert [is_running(pid) for pid in pids] == [True, True]

    assert [is_running(pid) for pid in pids] == [False, False]
    assert processes_of_run(state.run) == []
    assert not folder_with_data.state.exists()


def test_servers_listen_on_loopback_and_nowhere_else(
    folder_with_data: LocalFolder, clean_env: dict[str, str]
) -> None:
    with running(folder_with_data, clean_env) as state:
        listening = [
            connection
            for pid in state.pids.values()
            for connection in psutil.Process(pid).net_connections(kind="all")
            if connection.status == psutil.CONN_LISTEN or connection.family == socket.AF_UNIX
        ]

    assert {connection.laddr.ip for connection in listening} == {"127.0.0.1"}
    assert len(listening) == 2
    assert all(connection.laddr.port in PORTS for connection in listening)


def test_servers_open_only_with_their_password(
    folder_with_data: LocalFolder, clean_env: dict[str, str]
) -> None:
    with running(folder_with_data, clean_env) as state:
        database = state.environment["DATABASE_URL"].replace("://postgres:", "://postgres:x")
        broker = state.environment["REDIS_URL"].replace("://:", "://:x")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(database)
        with pytest.raises(redis.AuthenticationError), redis.Redis.from_url(broker) as client:
            client.ping()


def test_passwords_are_not_on_a_command_line(
    folder_with_data: LocalFolder, clean_env: dict[str, str]
) -> None:
    secrets = folder_with_data.read_secrets()
    with running(folder_with_data, clean_env) as state:
        lines = [" ".join(psutil.Process(pid).cmdline()) for pid in state.pids.values()]

    assert not [line for line in lines if any(secret in line for secret in secrets.values())]


def test_named_servers_are_used_and_none_started(
    local_folder: LocalFolder, clean_env: dict[str, str]
) -> None:
    clean_env["DATABASE_URL"] = "postgres://elsewhere/site"
    clean_env["REDIS_URL_FILE"] = "/run/secrets/redis"
    with running(local_folder, clean_env) as state:
        assert state.pids == {}
        assert state.environment["DATABASE_URL"] == "postgres://elsewhere/site"
        assert "REDIS_URL" not in state.environment

    assert not local_folder.database.exists()


def test_secrets_are_generated_once_and_readable_by_their_owner_only(
    local_folder: LocalFolder,
) -> None:
    first = local_folder.read_secrets()

    assert local_folder.read_secrets() == first
    assert local_folder.secrets.stat().st_mode & 0o777 == 0o600
    assert set(first) == {"POSTGRES_PASSWORD", "REDIS_PASSWORD", "SECRET_KEY", "VAULT_KEYS"}


def test_secrets_are_not_generated_again_beside_data_that_needs_them(
    folder_with_data: LocalFolder,
) -> None:
    folder_with_data.secrets.unlink()

    with pytest.raises(UserError, match=r"put .*secrets back"):
        folder_with_data.read_secrets()
    assert not folder_with_data.secrets.exists()


def test_secrets_that_lack_a_name_are_refused(local_folder: LocalFolder) -> None:
    local_folder.secrets.write_text("SECRET_KEY=x\nPOSTGRES_PASSWORD=x\nREDIS_PASSWORD=x\n")

    with pytest.raises(UserError, match="lacks VAULT_KEYS"):
        local_folder.read_secrets()


def test_secrets_of_other_data_are_named(
    folder_with_data: LocalFolder, clean_env: dict[str, str]
) -> None:
    lines = folder_with_data.secrets.read_text().replace(
        "POSTGRES_PASSWORD=", "POSTGRES_PASSWORD=x"
    )
    folder_with_data.secrets.write_text(lines)

    with (
        pytest.raises(UserError, match="secrets does not open the data in"),
        running(folder_with_data, clean_env),
    ):
        pass


def test_data_that_lacks_a_part_is_named_with_its_log(
    folder_with_data: LocalFolder, clean_env: dict[str, str]
) -> None:
    (folder_with_data.database / "global" / "pg_control").unlink()

    with pytest.raises(UserError, match=r"does not start with the data.*postgres\.log.*pg_control"):
        start_in_one_line(folder_with_data, clean_env)


def start_in_one_line(local_folder: LocalFolder, clean_env: dict[str, str]) -> None:
    """Raise the error of the start with its message in one line."""
    try:
        with running(local_folder, clean_env):
            pass
    except UserError as error:
        raise UserError(" ".join(str(error).split())) from error


def test_a_folder_that_is_no_database_is_named(
    folder_with_data: LocalFolder, clean_env: dict[str, str]
) -> None:
    (folder_with_data.database / "PG_VERSION").unlink()

    with (
        pytest.raises(UserError, match="is not a whole Postgres data folder"),
        running(folder_with_data, clean_env),
    ):
        pass


def test_data_of_another_postgres_is_named(
    folder_with_data: LocalFolder, clean_env: dict[str, str]
) -> None:
    (folder_with_data.database / "PG_VERSION").write_text("15\n")

    with (
        pytest.raises(UserError, match="was made by Postgres 15"),
        running(folder_with_data, clean_env),
    ):
        pass


def test_an_interrupted_initdb_starts_over(
    local_folder: LocalFolder, clean_env: dict[str, str]
) -> None:
    unfinished = local_folder.path / "postgres.unfinished"
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("")

    with running(local_folder, clean_env) as state:
        assert query(state, "SELECT 1") == [(1,)]
    assert not unfinished.exists()


def test_a_very_long_path_works(
    initialised: LocalFolder, clean_env: dict[str, str], tmp_path: Path
) -> None:
    long = LocalFolder(tmp_path.joinpath(*["a folder with quite a long name " * 4] * 5))
    shutil.copytree(initialised.path, long.path)

    assert len(str(long.database)) > 600
    with running(long, clean_env) as state:
        assert query(state, "SELECT 1") == [(1,)]


def test_a_path_longer_than_postgres_holds_is_named(
    clean_env: dict[str, str], tmp_path: Path
) -> None:
    long = LocalFolder(tmp_path.joinpath(*["a folder with quite a long name " * 4] * 7))
    long.make()

    with (
        pytest.raises(UserError, match="is longer than Postgres can hold"),
        running(long, clean_env),
    ):
        pass


def test_a_stale_pid_of_another_process_is_ignored(
    folder_with_data: LocalFolder, clean_env: dict[str, str]
) -> None:
    stale = folder_with_data.database / "postmaster.pid"
    stale.write_text(f"{os.getpid()}\n{folder_with_data.database}\n1700000000\n5432\n\n\n\n")

    with running(folder_with_data, clean_env) as state:
        assert query(state, "SELECT 1") == [(1,)]


def test_servers_of_a_killed_launcher_are_stopped(
    folder_with_data: LocalFolder, clean_env: dict[str, str]
) -> None:
    with serving(folder_with_data, clean_env) as (launcher, pids):
        launcher.kill()
    assert [is_running(pid) for pid in pids] == [True, True]

    with running(folder_with_data, clean_env) as state:
        assert [is_running(pid) for pid in pids] == [False, False]
        assert query(state, "SELECT 1") == [(1,)]


def test_after_a_killed_launcher_without_state_postgres_is_stopped(
    folder_with_data: LocalFolder, clean_env: dict[str, str]
) -> None:
    with serving(folder_with_data, clean_env) as (launcher, pids):
        launcher.kill()
    folder_with_data.state.unlink()

    with running(folder_with_data, clean_env) as state:
        assert not is_running(pids[0])
        assert query(state, "SELECT 1") == [(1,)]
    # Without the state nothing shows that this Redis was ours, so it was left running.
    psutil.Process(pids[1]).kill()


@pytest.mark.parametrize("host", loopback_hosts())
def test_a_port_in_use_is_not_free(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as taken:
        assert not is_free(taken.getsockname()[1])


# --- Restarts ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["postgres", "redis"])
def test_a_killed_server_is_started_again_on_its_port(
    folder_with_data: LocalFolder, clean_env: dict[str, str], name: str
) -> None:
    with (
        locked(folder_with_data, "run"),
        run_servers(folder_with_data, "run", clean_env, durable=True) as running,
    ):
        server = next(server for server in running.servers if server.name == name)
        query(running.state, "CREATE TABLE letters AS SELECT 'still here' AS words")
        # An open session delays the next start: it notices only then that Postgres is gone.
        with psycopg.connect(running.state.environment["DATABASE_URL"], autocommit=True):
            os.kill(server.process.pid, signal.SIGKILL)
            server.process.wait()
            server.restart()

        assert running.state.pids[name] == server.process.pid
        assert query(running.state, "SELECT words FROM letters") == [("still here",)]
        with redis.Redis.from_url(running.state.environment["REDIS_URL"]) as client:
            assert client.ping()


# --- Logs ----------------------------------------------------------------------------------

CANARY = "canary-alice@example.org"
READY = "database system is ready to accept connections"
# Each puts the canary where Postgres quotes it in a message: an invalid value, a name, a syntax
# error, a statement, a parameter, a duplicate key, a row, an exception, a warning, a duration.
QUOTED = [
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


def test_postgres_logs_nothing_that_was_sent(
    folder_with_data: LocalFolder, clean_env: dict[str, str]
) -> None:
    log = folder_with_data.log / "postgres.log"
    with running(folder_with_data, clean_env) as state:
        starts = log.read_text().count(READY)
        query(state, "CREATE TABLE people (email varchar(200) UNIQUE)")
        url = state.environment["DATABASE_URL"]
        with psycopg.connect(url, autocommit=True) as connection:
            for statement, parameters in QUOTED:
                with contextlib.suppress(psycopg.Error):
                    connection.execute(statement.encode(), parameters)
            # A crash is logged with the statement that was running.
            killer = threading.Thread(target=kill_when_asleep, args=(url, connection))
            killer.start()
            with contextlib.suppress(psycopg.Error):
                connection.execute(f"SELECT pg_sleep(60), '{CANARY}'".encode())
            killer.join()
        # Wait for the recovery: its messages count too, and Postgres does not stop during it.
        wait_for(lambda: log.read_text().count(READY) > starts, "Postgres to be back")

    assert "was terminated by signal 9" in log.read_text()
    assert CANARY not in log.read_text()


def kill_when_asleep(url: str, connection: psycopg.Connection) -> None:
    """Kill a Postgres session as Linux does when memory runs out."""
    pid = connection.info.backend_pid
    is_asleep = "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND wait_event = 'PgSleep'"
    with psycopg.connect(url, autocommit=True) as other:
        while not other.execute(is_asleep, (pid,)).fetchone():
            pass
        psutil.Process(pid).kill()


def test_redis_logs_nothing_that_was_sent(
    folder_with_data: LocalFolder, clean_env: dict[str, str]
) -> None:
    commands = ([CANARY], ["INCR", "a"], ["AUTH", CANARY], ["EVAL", CANARY, "0"])
    with (
        running(folder_with_data, clean_env) as state,
        redis.from_url(state.environment["REDIS_URL"]) as client,
    ):
        client.set("a", CANARY)
        for command in commands:
            with contextlib.suppress(redis.RedisError):
                client.execute_command(*command)

    log = (folder_with_data.log / "redis.log").read_text()
    assert "Ready to accept connections" in log
    assert CANARY not in log


def test_our_postgres_has_the_log_settings_that_the_check_requires(
    folder_with_data: LocalFolder, clean_env: dict[str, str]
) -> None:
    with running(folder_with_data, clean_env) as state:
        settings = dict(query(state, "SELECT name, setting FROM pg_settings"))

    assert settings.items() >= LOG_SETTINGS.items()
