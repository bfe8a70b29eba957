"""The programs this product consists of, and the supervisor that keeps them here.

The container image runs the same commands: a test compares them with docker-compose.yml.
"""

import contextlib
import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from config.healthcheck import readyz
from local.folder import HOME, ROOT, Place, Trouble
from local.processes import last_lines, stop, wait_until


@dataclass(frozen=True)
class Program:
    command: str
    # How long it may take to finish what it is doing once it is told to stop.
    stop_seconds: int = 10


# Where to listen is left to GUNICORN_CMD_ARGS: it differs between here and a container.
WEB = Program("python -m gunicorn config.wsgi --workers 2 --threads 4 --no-control-socket", 35)
WORKER = Program(
    "python -m celery --quiet -A config worker --queues mail --concurrency 2 -O fair"
    " --without-gossip --without-mingle --loglevel WARNING",
    45,
)
# The plain scheduler keeps no file: what is due is known to Postgres.
BEAT = Program(
    "python -m celery --quiet -A config beat --scheduler celery.beat:Scheduler --loglevel WARNING"
)
CATCHER = Program("python manage.py catch_mail")
# What must be done before they start. It also renders the help pages, which name the operator.
COLLECT = "collectstatic --no-input"
PREPARE = ("migrate --no-input", "createcachetable", COLLECT)

PROGRAMS = {"web": WEB, "worker": WORKER, "beat": BEAT, "catcher": CATCHER}

# Only relative paths stand in this file, and what is not ours comes from the environment: so no
# space, per cent sign or semicolon in a path or a password is ever read as configuration.
# It tells only the main process of each program to stop: Celery's then waits for its children.
SUPERVISOR = """\
[supervisord]
nodaemon=true
silent=true
logfile=log/supervisor.log
logfile_maxbytes=1MB
logfile_backups=1
pidfile=supervisor.pid
childlogdir=log

[eventlistener:watch]
command=python -m local.watch
events=PROCESS_STATE_RUNNING,PROCESS_STATE_FATAL
buffer_size=100
directory=%(ENV_PAPER_BOAT_ROOT)s
stdout_logfile=NONE
stderr_logfile=log/watch.log
"""
PROGRAM = """
[program:{name}]
command={program.command}
directory=%(ENV_PAPER_BOAT_ROOT)s
autorestart=true
startsecs=3
startretries=1
stopwaitsecs={program.stop_seconds}
stopasgroup=false
killasgroup=false
redirect_stderr=true
stdout_logfile=log/{name}.log
stdout_logfile_maxbytes=5MB
stdout_logfile_backups=1
"""


def configuration(programs: dict[str, Program]) -> str:
    sections = [PROGRAM.format(name=name, program=program) for name, program in programs.items()]
    return "".join([SUPERVISOR, *sections])


@dataclass
class Supervisor:
    place: Place
    programs: dict[str, Program]
    process: subprocess.Popen[bytes]

    def wait_until_ready(self, port: int, site: str, *, seconds: float = 120) -> None:
        """Return when every program runs and the web server answers that it can serve."""
        if wait_until(lambda: self._is_ready(port, site), self.process, seconds=seconds):
            return
        raise self.trouble()

    def _is_ready(self, port: int, site: str) -> bool:
        return not self._waiting() and readyz(port, site) == http.client.OK

    def _waiting(self) -> list[str]:
        """The programs that have not yet run for as long as it takes to call them running."""
        running = {name for name, state in states(self.place) if state == "RUNNING"}
        return [name for name in self.programs if name not in running]

    def trouble(self) -> Trouble:
        """What to say when it ended by itself, or never became ready."""
        failed = [name for name, state in states(self.place) if state == "FATAL"]
        if failed:
            return Trouble(f"The program “{failed[0]}” does not start. {self._log(failed[0])}")
        if self.process.poll() is not None:
            return Trouble(f"The supervisor has ended. {self._log('supervisor')}")
        late = next(iter(self._waiting()), "web")
        return Trouble(f"The program “{late}” does not become ready. {self._log(late)}")

    def _log(self, name: str) -> str:
        return last_lines(self.place.log / f"{name}.log")


@contextlib.contextmanager
def supervised(
    place: Place, programs: dict[str, Program], environment: dict[str, str], pids: dict[str, int]
) -> Iterator[Supervisor]:
    file = place.folder / "supervisor.conf"
    file.write_text(configuration(programs), encoding="utf-8")
    states_file(place).unlink(missing_ok=True)
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", file.name]
    with (place.log / "supervisor.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own programs
            command, env=environment | _own_names(place), cwd=place.folder,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    pids["supervisor"] = process.pid
    try:
        yield Supervisor(place, programs, process)
    finally:
        stop(process, signal.SIGTERM)


def _own_names(place: Place) -> dict[str, str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {"PATH": path, "PAPER_BOAT_ROOT": str(ROOT), HOME: str(place.folder)}


def states_file(place: Place) -> Path:
    return place.folder / "states"


def states(place: Place) -> list[tuple[str, str]]:
    """Every (program, state) the supervisor has told of, in the order of events."""
    try:
        lines = states_file(place).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    return [(name, state) for name, _, state in (line.partition(" ") for line in lines)]
