"""`./dev bench soak`: people write while gunicorn and Postgres are restarted again and again, by
SIGTERM and by SIGKILL. At the end no character may be lost.
"""

import argparse
import contextlib
import os
import random
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import psutil

from bench.measured_servers import call_inside, prepare
from bench.simulated_writer import Writer
from config.healthcheck import readyz
from local.folder import LocalFolder, UserError, print_line
from local.processes import log_tail, wait_until
from local.servers import LOOPBACK, free_port, run_postgres
from local.stack import Environment
from local.supervisor import WEB

SEED = 20_261
CHANGES_BETWEEN_RESTARTS = 40
# After this many failures in a row a writer waits until the servers are back.
FAILURES_BEFORE_PAUSE = 3
TIMEOUT = 60


@dataclass
class Servers:
    """A gunicorn and a Postgres of our own, each of which can be restarted."""

    folder: LocalFolder
    environment: Environment
    port: int
    postgres_port: int = field(default_factory=free_port)
    password: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    are_up: threading.Event = field(default_factory=threading.Event)
    _postgres: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _postgres_pid: int = 0
    _web: "subprocess.Popen[bytes] | None" = None

    def start_postgres(self) -> None:
        pids: dict[str, int] = {}
        server = run_postgres(
            self.folder,
            self.password,
            self.environment,
            pids,
            durable=True,
            port=self.postgres_port,
        )
        self.environment["DATABASE_URL"] = self._postgres.enter_context(server).url
        self._postgres_pid = pids["postgres"]

    def stop_postgres(self, *, kill: bool = False) -> None:
        children = psutil.Process(self._postgres_pid).children(recursive=True)
        if kill:
            os.kill(self._postgres_pid, signal.SIGKILL)
        self._postgres.close()
        psutil.wait_procs(children, timeout=TIMEOUT)

    def start_web(self) -> None:
        command = [sys.executable, *WEB.command.split()[1:], "--bind", f"{LOOPBACK}:{self.port}"]
        with (self.folder.log / "web.log").open("ab") as log:
            self._web = subprocess.Popen(  # noqa: S603 - our own program
                command, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def stop_web(self, *, kill: bool = False) -> None:
        if self._web is None:
            return
        children = psutil.Process(self._web.pid).children(recursive=True)
        if kill:
            self._web.kill()
            for child in children:
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()
        else:
            self._web.terminate()
        self._web.wait(TIMEOUT)
        psutil.wait_procs(children, timeout=TIMEOUT)

    def wait_until_ready(self) -> None:
        web = self._web
        if web is None or not wait_until(
            lambda: readyz(self.port) == HTTPStatus.OK, web, seconds=TIMEOUT
        ):
            log = self.folder.log / "web.log"
            raise UserError(f"The web server does not come back. {log_tail(log)}")
        self.are_up.set()

    def restart(self, name: str, *, kill: bool) -> None:
        self.are_up.clear()
        if name == "web":
            self.stop_web(kill=kill)
            self.start_web()
        else:
            self.stop_postgres(kill=kill)
            self.start_postgres()
        self.wait_until_ready()


@contextlib.contextmanager
def running() -> Iterator[Servers]:
    with tempfile.TemporaryDirectory(prefix="soak-", ignore_cleanup_errors=True) as name:
        root = Path(name)
        # Postgres may run as another user, who must reach its data folder.
        root.chmod(0o711)
        folder, port = LocalFolder(root / "local"), free_port()
        folder.make()
        environment = dict(os.environ) | {
            "GUNICORN_CMD_ARGS": "",
            "SITE_URL": f"http://localhost:{port}",
            "STATIC_ROOT": str(root / "static"),
            "PAGES_ROOT": str(root / "pages"),
        }
        servers = Servers(folder, environment, port)
        servers.start_postgres()
        try:
            prepare(servers.environment, folder.log)
            servers.start_web()
            servers.wait_until_ready()
            yield servers
        finally:
            servers.stop_web()
            servers.stop_postgres()


def soak(servers: Servers, *, count: int, seed: int, changes: int, minutes: float) -> bool:
    """Let people make so many changes each, or write for so many minutes.

    Return whether nothing was lost.
    """
    people = call_inside("bench.sample_data", "create_writers", servers.environment, count=count)
    writers = [
        Writer(servers.port, person["cookies"], person["token"], number, seed)
        for number, person in enumerate(people)
    ]
    deadline = time.monotonic() + 60 * minutes if minutes else None
    changed = threading.Semaphore(0)
    threads = [
        threading.Thread(target=_write, args=(servers, writer, changes, deadline, changed))
        for writer in writers
    ]
    for thread in threads:
        thread.start()
    restarts = _restart_servers(servers, threads, changed, random.Random(seed))  # noqa: S311
    for thread in threads:
        thread.join()
    saved = [_save_all(servers, writer) for writer in writers]
    return _report(writers, restarts=restarts, is_saved=all(saved))


def _write(
    servers: Servers,
    writer: Writer,
    changes: int,
    deadline: float | None,
    changed: threading.Semaphore,
) -> None:
    made, failures = 0, 0
    while made < changes if deadline is None else time.monotonic() < deadline:
        failures = 0 if writer.change() else failures + 1
        made += 1
        changed.release()
        if failures >= FAILURES_BEFORE_PAUSE:
            servers.are_up.wait(TIMEOUT)
            failures = 0


def _restart_servers(
    servers: Servers,
    threads: list[threading.Thread],
    changed: threading.Semaphore,
    chance: random.Random,
) -> int:
    """Restart a random server now and then, until all writers are done. Return how often."""
    restarts, seen = 0, 0
    while any(thread.is_alive() for thread in threads):
        if not changed.acquire(timeout=0.2):
            continue
        seen += 1
        if seen % CHANGES_BETWEEN_RESTARTS == 0:
            kill = chance.random() >= 0.5
            servers.restart(chance.choice(("web", "postgres")), kill=kill)
            restarts += 1
    return restarts


def _save_all(servers: Servers, writer: Writer) -> bool:
    """Save until everything is confirmed, as a page that stays open does."""
    return any(servers.are_up.wait(TIMEOUT) and writer.save() for _ in range(10))


def _report(writers: list[Writer], *, restarts: int, is_saved: bool) -> bool:
    lost = sum(writer.lost_characters() for writer in writers)
    foreign = sum(writer.foreign_characters() for writer in writers)
    conflicts = sum(writer.conflicts for writer in writers)
    print_line(f"writers               {len(writers)}")
    print_line(f"letters               {sum(len(writer.letters) for writer in writers)}")
    print_line(f"requests              {sum(writer.sent for writer in writers)}")
    print_line(f"without an answer     {sum(writer.unanswered for writer in writers)}")
    print_line(f"restarts              {restarts}")
    print_line(f"conflicts             {conflicts}")
    print_line(f"lost characters       {lost}")
    print_line(f"foreign characters    {foreign}")
    return is_saved and not (lost or foreign or conflicts)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser("./dev bench soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--changes", type=int, default=0, help="of each, in place of minutes")
    parser.add_argument("--writers", type=int, default=2, choices=(1, 2, 3, 4))
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args(arguments)
    with running() as servers:
        is_passed = soak(
            servers,
            count=options.writers,
            seed=options.seed,
            changes=options.changes,
            minutes=0 if options.changes else options.minutes,
        )
    return int(not is_passed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
