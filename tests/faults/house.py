"""The whole product on servers of its own, each part of which can be stopped, killed or hung."""

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

from config.healthcheck import readyz
from local.folder import HOME, ROOT, LocalFolder, new_secrets
from local.servers import free_port, run_redis
from local.stack import settings_names
from local.supervisor import BEAT, WEB, WORKER
from tests.faults import keeper
from tests.faults.visitor import Visitor
from tests.faults.waiting import wait_for
from vault.sealing import new_keyset

Environment = dict[str, str]
QUICK_BEAT = BEAT.command.replace("-A config ", "-A tests.faults.clock ")
WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ILIKE %s"


class Told:
    """A program of ours that answers each line it is told by a line of JSON."""

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
        self._turn = threading.Lock()

    def ask(self, line: str) -> Any:
        with self._turn:
            assert self.process.stdin
            assert self.process.stdout
            self.process.stdin.write(f"{line}\n")
            self.process.stdin.flush()
            said = self.process.stdout.readline()
        assert said, f"{self.process.args} ended: {Path(self._log.name).read_text()}"
        answer = json.loads(said)
        assert "trouble" not in answer, answer["trouble"]
        return answer

    def end(self) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()
        self._log.close()


class Program:
    """One of the product's own programs, started as production starts it."""

    def __init__(self, command: str, environment: Environment, log: Path) -> None:
        self.command, self.environment, self.log = command.split(), environment, log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, output: Path | None = None) -> None:
        assert not self.runs
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
    def runs(self) -> bool:
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

    def said(self, words: str, *, since: int = 0) -> bool:
        """Whether its log holds these words, behind so many bytes of it."""
        return words.encode() in self.log.read_bytes()[since:]

    @property
    def so_far(self) -> int:
        return self.log.stat().st_size

    def kill(self) -> None:
        """All of it at once, as when a machine loses its power."""
        if not self.process:
            return
        family = self.children
        with suppress(ProcessLookupError):
            self.process.kill()
        for each in family:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        self.process.wait(30)
        psutil.wait_procs(family, timeout=30)

    def stop(self) -> int:
        """As a supervisor stops it. The code it ends with."""
        assert self.process
        self.process.terminate()
        return self.process.wait(60)


@dataclass
class House:
    place: LocalFolder
    environment: Environment
    machine: Told
    has_small_disk: bool
    postgres_pid: int
    postgres_port: int
    relay_port: int
    port: int
    programs: dict[str, Program] = field(default_factory=dict)
    redis_port: int = 0
    redis_pid: int = 0
    _redis: ExitStack = field(default_factory=ExitStack)
    _inside: Told | None = None
    _others: list[Program] = field(default_factory=list)

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
        self.postgres_pid = self.machine.ask("start")["pid"]

    def stop_postgres(self) -> None:
        """Fast: every session is cut off. Those that wait for a lock first: otherwise they may get
        it in the moment in which its holder goes before them, and be done."""
        self.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        )
        self.machine.ask("stop")

    def kill_postgres(self) -> None:
        """The postmaster alone, by -9: its sessions notice that they are alone, and end."""
        family = psutil.Process(self.postgres_pid).children(recursive=True)
        os.kill(self.postgres_pid, signal.SIGKILL)
        _, left = psutil.wait_procs(family, timeout=30)
        assert left == []
        self.machine.ask("stop")

    def start_redis(self) -> None:
        pids: dict[str, int] = {}
        password = self.environment["REDIS_URL"].partition("://:")[2].partition("@")[0]
        server = run_redis(self.place, password, self.environment, pids, port=self.redis_port)
        self._redis.enter_context(server)
        self.redis_pid = pids["redis"]

    def kill_redis(self) -> None:
        """It keeps nothing, so this empties it too."""
        os.kill(self.redis_pid, signal.SIGKILL)
        self._redis.close()

    def another(self, command: str, name: str, **more: str) -> Program:
        """One more program beside the usual ones; it ends with the test."""
        log = self.place.log / f"{name}.log"
        log.unlink(missing_ok=True)
        program = Program(command, self.environment | more, log)
        self._others.append(program)
        return program

    def another_web(self, name: str, **more: str) -> tuple[Program, Visitor]:
        """One more web server, and somebody in front of it."""
        port = free_port()
        listen = {"GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{port}"}
        one = WEB.command.replace("--workers 2", "--workers 1")
        return self.another(one, name, **listen | more), Visitor(port)

    # --- Looking and waiting ---

    def sql(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.environment["DATABASE_URL"], autocommit=True) as connection:
            cursor = connection.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def holding(self, statement: str, *parameters: object) -> Iterator[None]:
        """Hold what this statement locks for as long as the block lasts."""
        connection = psycopg.connect(self.environment["DATABASE_URL"])
        try:
            connection.execute(statement, parameters or None)
            yield
        finally:
            with suppress(psycopg.Error):
                connection.rollback()
            connection.close()

    def wait_for_lock(self, query: str, count: int = 1) -> None:
        """Until so many sessions with a query like this wait for a lock."""
        wait_for(lambda: len(self.at_a_lock(query)) >= count, f"{query} at a lock")

    def at_a_lock(self, query: str) -> list[int]:
        """The sessions with a query like this that wait for a lock."""
        return [pid for (pid,) in self.sql(WAITING, query)]

    def is_ready(self) -> bool:
        return readyz(self.port, self.environment["SITE_URL"]) == 200

    def ticks(self, count: int, name: str = "mail") -> None:
        """Until the clock has ticked so many times more, each time heard by a worker."""
        seen = set[Any]()

        def look() -> bool:
            seen.update(self.sql("SELECT at FROM mail_heartbeat WHERE name = %s", name))
            return len(seen) > count

        wait_for(look, f"{count} ticks")

    def inside(self, verb: str, *given: object, **named: object) -> Any:
        assert self._inside
        return self._inside.ask(json.dumps([verb, named or list(given)]))["is"]

    def person(self, name: str) -> Visitor:
        """Somebody with an account, signed in."""
        made = self.inside("person", name)
        return Visitor(self.port, made["email"], {"n": made["cookie"]})

    def stranger(self) -> Visitor:
        return Visitor(self.port)

    def states(self) -> list[tuple[str, str]]:
        rows = "SELECT state, reason FROM mail_message ORDER BY created_at, id"
        return [(state, reason) for state, reason in self.sql(rows)]

    def wait_for_states(self, *states: str) -> None:
        wait_for(
            lambda: [state for state, _ in self.states()] == list(states),
            f"{states} in place of {self.states()}",
        )

    def being_sent(self) -> list[datetime]:
        """Since when: what this says of a worker that was killed, nobody is sending any more."""
        rows = "SELECT sending_at FROM mail_message WHERE state = 'sending'"
        return [sending_at for (sending_at,) in self.sql(rows)]

    def hurry(self) -> None:
        """What was put off to another time is due now."""
        self.sql("UPDATE mail_message SET due_at = now() WHERE state = 'due' AND due_at > now()")

    def later(self, minutes: int, left: Sequence[datetime] = ()) -> None:
        """Moves the clocks that lie in the rows of mail: as if this much time had gone by. What is
        being sent right now is left alone, except what a worker left behind when it was killed."""
        self.sql(
            "UPDATE mail_message SET due_at = due_at - %s * interval '1 minute',"
            " closes_at = closes_at - %s * interval '1 minute',"
            " sending_at = sending_at - %s * interval '1 minute'"
            " WHERE state <> 'sending' OR sending_at = ANY(%s)",
            *[minutes] * 3,
            list(left),
        )

    # --- Before and after each test ---

    def mend(self) -> None:
        """Whatever a test did, everything runs."""
        for program in self._others:
            program.kill()
        self._others.clear()
        if self.has_small_disk:
            self.machine.ask("free")
        if not psutil.pid_exists(self.postgres_pid):
            self.start_postgres()
        if not psutil.pid_exists(self.redis_pid):
            self._redis.close()
            self.start_redis()
        for program in self.programs.values():
            if not program.runs:
                program.start()
        wait_for(self.is_ready, "the house to be ready")
        self.sql("DELETE FROM mail_message")
        self.sql("DELETE FROM reminders_schedule")
        # How often something was tried is counted per address; everybody here is at the same one.
        self.sql("DELETE FROM cache")

    def open(self) -> None:
        command = [sys.executable, "-m", "tests.faults.inside"]
        self._inside = Told(command, self.environment, self.place.log / "inside.log")
        self.start_redis()
        self.inside("prepare")
        commands = {"web": WEB.command, "worker": WORKER.command, "beat": QUICK_BEAT}
        for name, words in commands.items():
            program = Program(words, self.environment, self.place.log / f"{name}.log")
            self.programs[name] = program
            program.start()

    def close(self) -> None:
        for program in [*self._others, *self.programs.values()]:
            program.kill()
        if self._inside:
            self._inside.end()
        self._redis.close()
        # At once, and without putting its data in order: nobody needs them any more.
        with suppress(ProcessLookupError):
            os.kill(self.postgres_pid, signal.SIGQUIT)
        self.machine.end()


def build(folder: Path, collected: Path) -> House:
    """Servers on a machine of their own, and nothing of this process's settings."""
    place = LocalFolder(folder / "house")
    place.make()
    disk = folder / "disk"
    disk.mkdir()
    # What marks the run stays: should this process be killed, whoever started it ends the rest.
    names = settings_names() | {HOME}
    environment = {
        name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in names
    }
    command, has_small_disk = keeper.command(disk)
    machine = Told(command, environment, place.log / "keeper.log")
    started = machine.ask("start")
    port, relay_port, redis_port = free_port(), free_port(), free_port()
    own = new_secrets()
    environment |= {
        "DOTENV": os.devnull,
        "DATABASE_URL": started["url"],
        "REDIS_URL": f"redis://:{own['REDIS_PASSWORD']}@127.0.0.1:{redis_port}/0",
        "SECRET_KEY": own["SECRET_KEY"],
        # As while a master key is being changed: k1 seals, both open.
        "VAULT_KEYS": f"{own['VAULT_KEYS']},k2:{new_keyset()}",
        "SITE_URL": f"http://localhost:{port}",
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": str(relay_port),
        "STATIC_ROOT": str(collected / "files"),
        "PAGES_ROOT": str(collected / "pages"),
        "GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{port}",
    }
    return House(
        place=place,
        environment=environment,
        machine=machine,
        has_small_disk=has_small_disk,
        postgres_pid=started["pid"],
        postgres_port=started["port"],
        relay_port=relay_port,
        redis_port=redis_port,
        port=port,
    )
