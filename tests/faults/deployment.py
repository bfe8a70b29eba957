"""The whole product on servers of its own. Each part can be stopped, killed or suspended."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import psycopg
from django.conf import settings

from config.healthcheck import readyz
from local.folder import HOME, ROOT, LocalFolder, new_secrets
from local.servers import free_port, run_redis
from local.stack import settings_names
from local.supervisor import BEAT, WEB, WORKER
from tests.faults import postgres_host
from tests.faults.visitor import Visitor
from tests.support.waiting import PATIENCE, wait_for
from vault.key_ring import new_keyset

Environment = dict[str, str]
QUICK_BEAT = BEAT.command.replace("-A config ", "-A tests.faults.quick_beat ")
WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ILIKE %s"


class JsonProgram:
    """A program of ours that answers each line of its standard input with a line of JSON."""

    def __init__(self, command: Sequence[str], environment: Environment, log: Path) -> None:
        self._log = log.open("wb")
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            start_new_session=True,
        )
        self._lock = threading.Lock()

    def ask(self, line: str) -> Any:
        with self._lock:
            assert self.process.stdin
            assert self.process.stdout
            self.process.stdin.write(f"{line}\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        assert answer, f"{self.process.args} ended: {Path(self._log.name).read_text()}"
        contents = json.loads(answer)
        assert "error" not in contents, contents["error"]
        return contents

    def end(self) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self.process.stdout.close()
        self._log.close()


class Program:
    """One of the product's own programs, started as production starts it."""

    def __init__(self, command: str, environment: Environment, log: Path) -> None:
        self.command, self.environment, self.log = command.split(), environment, log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, output: Path | None = None) -> None:
        assert not self.is_running
        python, *rest = self.command
        assert python == "python"
        with (output or self.log).open("ab") as file:
            self.process = subprocess.Popen(
                [sys.executable, *rest],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    @property
    def children(self) -> list[psutil.Process]:
        with suppress(psutil.NoSuchProcess):
            return list(psutil.Process(self.pid).children(recursive=True))
        return []

    def logged(self, words: str, *, since: int = 0) -> bool:
        """Whether these words are in its log, behind so many bytes of it."""
        return words.encode() in self.log.read_bytes()[since:]

    @property
    def log_size(self) -> int:
        return self.log.stat().st_size

    def kill(self) -> None:
        """Kill it with all its children at once, as when a machine loses its power."""
        if not self.process:
            return
        family = self.children
        with suppress(ProcessLookupError):
            self.process.kill()
        for each in family:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        self.process.wait(PATIENCE)
        psutil.wait_procs(family, timeout=PATIENCE)

    def stop(self) -> int:
        """Stop it as a supervisor does. Return its exit code."""
        assert self.process
        self.process.terminate()
        return self.process.wait(PATIENCE)


@dataclass
class Deployment:
    folder: LocalFolder
    environment: Environment
    postgres_host: JsonProgram
    has_small_disk: bool
    postgres_pid: int
    postgres_port: int
    relay_port: int
    port: int
    programs: dict[str, Program] = field(default_factory=dict)
    redis_port: int = 0
    redis_pid: int = 0
    _redis: ExitStack = field(default_factory=ExitStack)
    _calls: JsonProgram | None = None
    _extras: list[Program] = field(default_factory=list)
    _connection: psycopg.Connection[tuple[Any, ...]] | None = None

    # --- Its parts ---

    @property
    def web(self) -> Program:
        return self.programs["web"]

    @property
    def worker(self) -> Program:
        return self.programs["worker"]

    @property
    def beat(self) -> Program:
        return self.programs["beat"]

    def start_postgres(self) -> None:
        self.postgres_pid = self.postgres_host.ask("start")["pid"]

    def stop_postgres(self) -> None:
        """Stop it in Postgres's “fast” mode, which ends every session.

        Sessions that wait for a lock are ended first: otherwise they may get it in the moment in
        which its holder is ended before them, and finish.
        """
        self.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        )
        self.postgres_host.ask("stop")

    def kill_postgres(self) -> None:
        """Kill the postmaster alone: its sessions notice that it is gone, and end."""
        family = psutil.Process(self.postgres_pid).children(recursive=True)
        os.kill(self.postgres_pid, signal.SIGKILL)
        _, left = psutil.wait_procs(family, timeout=PATIENCE)
        assert left == []
        self.postgres_host.ask("stop")

    def start_redis(self) -> None:
        pids: dict[str, int] = {}
        password = self.environment["REDIS_URL"].partition("://:")[2].partition("@")[0]
        server = run_redis(self.folder, password, self.environment, pids, port=self.redis_port)
        self._redis.enter_context(server)
        self.redis_pid = pids["redis"]

    def kill_redis(self) -> None:
        """Kill it. It saves nothing, so this empties it too."""
        os.kill(self.redis_pid, signal.SIGKILL)
        self._redis.close()

    def extra_program(self, command: str, name: str, **more: str) -> Program:
        """One more program beside the usual ones, not started yet. It ends with the test."""
        log = self.folder.log / f"{name}.log"
        log.unlink(missing_ok=True)
        program = Program(command, self.environment | more, log)
        self._extras.append(program)
        return program

    def extra_web(self, name: str, **more: str) -> tuple[Program, Visitor]:
        """One more web server, not started yet, and a visitor of it."""
        port = free_port()
        listen = {"GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{port}"}
        command = WEB.command.replace("--workers 2", "--workers 1")
        return self.extra_program(command, name, **listen | more), Visitor(port)

    # --- Looking and waiting ---

    def sql(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Run one statement. Return its rows, if it has any.

        Tests ask many times a second, so the connection is used again. One that broke when the
        server was stopped is only noticed here, and the statement is then sent on a new one.
        """
        try:
            return self._execute(statement, parameters)
        except psycopg.OperationalError:
            self._disconnect()
            return self._execute(statement, parameters)

    def _execute(self, statement: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
        if self._connection is None:
            self._connection = psycopg.connect(self.environment["DATABASE_URL"], autocommit=True)
        cursor = self._connection.execute(statement, parameters or None)
        return cursor.fetchall() if cursor.description else []

    def _disconnect(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None

    @contextmanager
    def locking(self, statement: str, *parameters: object) -> Iterator[None]:
        """Keep what this statement locks until the block ends."""
        connection = psycopg.connect(self.environment["DATABASE_URL"])
        try:
            connection.execute(statement, parameters or None)
            yield
        finally:
            with suppress(psycopg.Error):
                connection.rollback()
            connection.close()

    def wait_for_lock(self, query: str, count: int = 1) -> None:
        """Wait until so many sessions with a query like this wait for a lock."""
        wait_for(lambda: len(self.waiting_for_lock(query)) >= count, f"{query} at a lock")

    def waiting_for_lock(self, query: str) -> list[int]:
        """The pids of the sessions with a query like this that wait for a lock."""
        return [pid for (pid,) in self.sql(WAITING, query)]

    def is_ready(self) -> bool:
        return readyz(self.port) == 200

    def ticks(self, count: int, name: str = "mail") -> None:
        """Wait until a worker has run this task of beat so many times more."""
        seen = set[Any]()

        def look() -> bool:
            seen.update(self.sql("SELECT at FROM mail_heartbeat WHERE name = %s", name))
            return len(seen) > count

        wait_for(look, f"{count} ticks")

    def call(self, name: str, *arguments: object, **named: object) -> Any:
        """Call a function of django_calls.py, in a process with this deployment's settings."""
        assert self._calls
        return self._calls.ask(json.dumps([name, named or list(arguments)]))["result"]

    def person(self, name: str) -> Visitor:
        """Somebody with a new account, signed in."""
        made = self.call("person", name)
        return Visitor(self.port, made["email"], {"n": made["cookie"]})

    def stranger(self) -> Visitor:
        return Visitor(self.port)

    def states(self) -> list[tuple[str, str]]:
        """The state and reason of each mail, oldest first."""
        rows = "SELECT state, reason FROM mail_message ORDER BY created_at, id"
        return [(state, reason) for state, reason in self.sql(rows)]

    def wait_for_states(self, *states: str) -> None:
        wait_for(
            lambda: [state for state, _ in self.states()] == list(states),
            f"{states} in place of {self.states()}",
        )

    def being_sent(self) -> list[datetime]:
        """Since when each mail is in `sending`. It stays there when its worker is killed."""
        rows = "SELECT sending_at FROM mail_message WHERE state = 'sending'"
        return [sending_at for (sending_at,) in self.sql(rows)]

    def make_due(self) -> None:
        """Let mail be due now that was put off."""
        self.sql("UPDATE mail_message SET due_at = now() WHERE state = 'due' AND due_at > now()")

    def let_time_pass(self, minutes: int, left: Sequence[datetime] = ()) -> None:
        """Move the times of all mail back, as if so many minutes had gone by.

        Mail that is being sent right now stays as it is, except what has been in `sending` since
        one of the moments in `left`, when its worker was killed.
        """
        self.sql(
            "UPDATE mail_message SET due_at = due_at - %s * interval '1 minute',"
            " closes_at = closes_at - %s * interval '1 minute',"
            " sending_at = sending_at - %s * interval '1 minute'"
            " WHERE state <> 'sending' OR sending_at = ANY(%s)",
            *[minutes] * 3,
            list(left),
        )

    # --- Before and after each test ---

    def repair(self) -> None:
        """Start what the last test has stopped, and delete what it has left."""
        for program in self._extras:
            program.kill()
        self._extras.clear()
        if self.has_small_disk:
            self.postgres_host.ask("free")
        if not psutil.pid_exists(self.postgres_pid):
            self.start_postgres()
        if not psutil.pid_exists(self.redis_pid):
            self._redis.close()
            self.start_redis()
        for program in self.programs.values():
            if not program.is_running:
                program.start()
        wait_for(self.is_ready, "the deployment to be ready")
        self.sql("DELETE FROM mail_message")
        self.sql("DELETE FROM reminders_schedule")
        # Rate limits count per address, and everybody here has the same one.
        self.sql("DELETE FROM cache")

    def open(self) -> None:
        command = [sys.executable, "-m", "tests.faults.django_calls"]
        self._calls = JsonProgram(command, self.environment, self.folder.log / "calls.log")
        self.start_redis()
        self.call("prepare")
        commands = {"web": WEB.command, "worker": WORKER.command, "beat": QUICK_BEAT}
        for name, words in commands.items():
            program = Program(words, self.environment, self.folder.log / f"{name}.log")
            self.programs[name] = program
            program.start()

    def close(self) -> None:
        for program in [*self._extras, *self.programs.values()]:
            program.kill()
        if self._calls:
            self._calls.end()
        self._redis.close()
        self._disconnect()
        # Postgres's “immediate” mode: nobody needs its data any more.
        with suppress(ProcessLookupError):
            os.kill(self.postgres_pid, signal.SIGQUIT)
        self.postgres_host.end()


def build(root: Path) -> Deployment:
    """Make the servers, with nothing of the settings of this process."""
    folder = LocalFolder(root / "deployment")
    folder.make()
    disk = root / "disk"
    disk.mkdir()
    # The mark of this run stays in the environment: if this process is killed, `./dev` finds the
    # programs by it and ends them.
    names = settings_names() | {HOME, "DJANGO_SETTINGS_MODULE"}
    environment = {
        name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in names
    }
    command, has_small_disk = postgres_host.command(disk)
    host = JsonProgram(command, environment, folder.log / "postgres_host.log")
    started = host.ask("start")
    port, relay_port, redis_port = free_port(), free_port(), free_port()
    own = new_secrets()
    environment |= {
        "DOTENV": os.devnull,
        "DATABASE_URL": started["url"],
        "REDIS_URL": f"redis://:{own['REDIS_PASSWORD']}@127.0.0.1:{redis_port}/0",
        "SECRET_KEY": own["SECRET_KEY"],
        # As while a master key is rotated: k1 seals, both open.
        "VAULT_KEYS": f"{own['VAULT_KEYS']},k2:{new_keyset()}",
        "SITE_URL": f"http://localhost:{port}",
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": str(relay_port),
        "STATIC_ROOT": str(settings.STATIC_ROOT),
        "PAGES_ROOT": str(settings.PAGES_ROOT),
        "GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{port}",
    }
    return Deployment(
        folder=folder,
        environment=environment,
        postgres_host=host,
        has_small_disk=has_small_disk,
        postgres_pid=started["pid"],
        postgres_port=started["port"],
        relay_port=relay_port,
        redis_port=redis_port,
        port=port,
    )
