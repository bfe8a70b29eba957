"""`./dev bench soak`: people write while web server and Postgres are restarted under them, again
and again, politely and by kill -9. At the end every sign of theirs has to be where they put it.
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

from bench.run import inside, prepare
from bench.simulated_writer import Writer
from config.healthcheck import readyz
from local.folder import Place, Trouble, say
from local.processes import last_lines, wait_until
from local.servers import LOOPBACK, free_port, postgres
from local.supervisor import WEB

SEED = 20_261
# Changes between two restarts, and how many somebody makes while nothing answers.
BETWEEN = 40
MEANWHILE = 3
PATIENCE = 60

Environment = dict[str, str]


@dataclass
class Ground:
    """A web server and a Postgres of our own, either of which can be taken away."""

    place: Place
    environment: Environment
    port: int
    postgres_port: int = field(default_factory=free_port)
    password: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    # Set while everything answers.
    is_up: threading.Event = field(default_factory=threading.Event)
    _postgres: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _web: "subprocess.Popen[bytes] | None" = None
    _pid: int = 0

    def start_postgres(self) -> None:
        pids: dict[str, int] = {}
        server = postgres(
            self.place,
            self.password,
            self.environment,
            pids,
            keep=True,
            port=self.postgres_port,
        )
        self.environment["DATABASE_URL"] = self._postgres.enter_context(server)
        self._pid = pids["postgres"]

    def stop_postgres(self, *, politely: bool) -> None:
        family = psutil.Process(self._pid).children(recursive=True)
        if not politely:
            os.kill(self._pid, signal.SIGKILL)
        self._postgres.close()
        psutil.wait_procs(family, timeout=PATIENCE)

    def start_web(self) -> None:
        command = [sys.executable, *WEB.command.split()[1:], "--bind", f"{LOOPBACK}:{self.port}"]
        with (self.place.log / "web.log").open("ab") as log:
            self._web = subprocess.Popen(  # noqa: S603 - our own program
                command, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def stop_web(self, *, politely: bool) -> None:
        if self._web is None:
            return
        family = psutil.Process(self._web.pid).children(recursive=True)
        self._web.terminate() if politely else self._web.kill()
        if not politely:
            for each in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.kill()
        self._web.wait(PATIENCE)
        psutil.wait_procs(family, timeout=PATIENCE)

    def wait(self) -> None:
        url, web = self.environment["SITE_URL"], self._web
        if web is None or not wait_until(
            lambda: readyz(self.port, url) == HTTPStatus.OK, web, seconds=PATIENCE
        ):
            log = self.place.log / "web.log"
            raise Trouble(f"The web server does not come back. {last_lines(log)}")
        self.is_up.set()

    def restart(self, what: str, *, politely: bool) -> None:
        self.is_up.clear()
        if what == "web":
            self.stop_web(politely=politely)
            self.start_web()
        else:
            self.stop_postgres(politely=politely)
            self.start_postgres()
        self.wait()


@contextlib.contextmanager
def standing() -> Iterator[Ground]:
    with tempfile.TemporaryDirectory(prefix="soak-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        # Postgres may have to run as another user, who passes through this folder to its own.
        folder.chmod(0o711)
        place, port = Place(folder / "house"), free_port()
        place.make()
        environment = dict(os.environ) | {
            "GUNICORN_CMD_ARGS": "",
            "SITE_URL": f"http://localhost:{port}",
            "STATIC_ROOT": str(folder / "static"),
            "PAGES_ROOT": str(folder / "pages"),
        }
        ground = Ground(place, environment, port)
        ground.start_postgres()
        try:
            prepare(ground.environment, place.log)
            ground.start_web()
            ground.wait()
            yield ground
        finally:
            ground.stop_web(politely=True)
            ground.stop_postgres(politely=True)


def soak(ground: Ground, *, writers: int, seed: int, changes: int, minutes: float) -> bool:
    """Until each has made so many changes, or for so many minutes. Whether nothing was lost."""
    people = [
        Writer(ground.port, who["cookies"], who["token"], number, seed)
        for number, who in enumerate(
            inside("bench.sample_data", "writers", ground.environment, count=writers)
        )
    ]
    until = time.monotonic() + 60 * minutes if minutes else None
    turns = threading.Semaphore(0)
    threads = [
        threading.Thread(target=_write, args=(ground, person, changes, until, turns))
        for person in people
    ]
    for thread in threads:
        thread.start()
    restarts = _take_away(ground, threads, turns, random.Random(seed))  # noqa: S311 - a story
    for thread in threads:
        thread.join()
    kept = [_keep_all(ground, person) for person in people]
    return _tell(people, restarts=restarts, is_kept=all(kept))


def _write(
    ground: Ground,
    writer: Writer,
    changes: int,
    until: float | None,
    turns: threading.Semaphore,
) -> None:
    made, unkept = 0, 0
    while made < changes if until is None else time.monotonic() < until:
        unkept = 0 if writer.change() else unkept + 1
        made += 1
        turns.release()
        if unkept >= MEANWHILE:
            ground.is_up.wait(PATIENCE)
            unkept = 0


def _take_away(
    ground: Ground,
    threads: list[threading.Thread],
    turns: threading.Semaphore,
    chance: random.Random,
) -> int:
    """Restart one of the two after so many changes, until nobody writes any more."""
    restarts, seen = 0, 0
    while any(thread.is_alive() for thread in threads):
        if not turns.acquire(timeout=0.2):
            continue
        seen += 1
        if seen % BETWEEN == 0:
            politely = chance.random() < 0.5
            ground.restart(chance.choice(("web", "postgres")), politely=politely)
            restarts += 1
    return restarts


def _keep_all(ground: Ground, writer: Writer) -> bool:
    """The page stays open until everything on it is confirmed."""
    return any(ground.is_up.wait(PATIENCE) and writer.keep() for _ in range(10))


def _tell(people: list[Writer], *, restarts: int, is_kept: bool) -> bool:
    lost, mixed = sum(one.lost() for one in people), sum(one.mixed() for one in people)
    beside = sum(one.set_beside for one in people)
    say(f"writers               {len(people)}")
    say(f"letters               {sum(len(one.letters) for one in people)}")
    say(f"sent, not answered    {sum(one.sent for one in people)}, "
        f"{sum(one.unanswered for one in people)}")  # fmt: skip
    say(f"restarts              {restarts}")
    say(f"set beside            {beside}")
    say(f"lost signs            {lost}")
    say(f"mixed signs           {mixed}")
    return is_kept and not (lost or mixed or beside)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser("./dev bench soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--changes", type=int, default=0, help="of each, in place of minutes")
    parser.add_argument("--writers", type=int, default=2, choices=(1, 2, 3, 4))
    parser.add_argument("--seed", type=int, default=SEED)
    wanted = parser.parse_args(arguments)
    minutes = 0 if wanted.changes else wanted.minutes
    with standing() as ground:
        is_well = soak(
            ground,
            writers=wanted.writers,
            seed=wanted.seed,
            changes=wanted.changes,
            minutes=minutes,
        )
    return int(not is_well)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
