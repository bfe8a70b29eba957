"""The programs of the product, and the supervisor that runs them here (ADR 13).

The containers run the same commands: a test compares them with docker-compose.yml.
"""

import contextlib
import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from config.healthcheck import readyz
from local.folder import HOME, ROOT, LocalFolder, UserError
from local.processes import log_tail, stop, wait_until


@dataclass(frozen=True)
class Program:
    command: str
    # How long it may take to stop after SIGTERM.
    stop_seconds: int = 10


# The address to bind is in GUNICORN_CMD_ARGS: it differs between here and a container.
WEB = Program("python -m gunicorn config.wsgi --workers 2 --threads 4 --no-control-socket", 35)
WORKER = Program(
    "python -m celery --quiet -A config worker --queues mail --concurrency 2 -O fair"
    " --without-gossip --without-mingle --loglevel WARNING",
    45,
)
# Celery's default scheduler stores a file. Ours needs none: Postgres knows what is due.
BEAT = Program(
    "python -m celery --quiet -A config beat --scheduler celery.beat:Scheduler --loglevel WARNING"
)
CATCHER = Program("python manage.py catch_mail")
# To run before the programs start. collectstatic also renders the help pages. It comes first, as it
# needs no database: the web server starts without one too, and would serve pages without styles.
COLLECT = "collectstatic --no-input"
PREPARE = (COLLECT, "migrate --no-input", "createcachetable")

# It also redirects http://127.0.0.1/ and http://[::1]/, which is for a laptop only.
LOCAL_WEB = replace(WEB, command=WEB.command.replace("config.wsgi", "local.loopback_redirect"))
PROGRAMS = {"web": LOCAL_WEB, "worker": WORKER, "beat": BEAT, "catcher": CATCHER}

# Supervisor would interpret a space, percent sign or semicolon in a path or a password: paths are
# relative, and everything else comes from the environment.
# `stopasgroup` would also signal Celery's children: the main process waits for them instead.
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
command=python -m local.supervisor_listener
events=PROCESS_STATE_RUNNING,PROCESS_STATE_FATAL
buffer_size=100
directory=%(ENV_PAPER_BOAT_ROOT)s
stdout_logfile=NONE
stderr_logfile=log/watch.log
"""
# Its logger prints a traceback for each line that it cannot write. On a full disk that fails too,
# and ends it with everything that it runs.
SUPERVISORD = """
from supervisor import loggers, supervisord
loggers.Handler.handleError = lambda handler: None
supervisord.main()
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
    folder: LocalFolder
    programs: dict[str, Program]
    process: subprocess.Popen[bytes]

    def wait_until_ready(self, port: int, *, seconds: float = 120) -> None:
        """Wait until every program runs and /readyz answers 200. Raises UserError if not."""
        if not wait_until(lambda: self._is_ready(port), self.process, seconds=seconds):
            raise self.error()

    def _is_ready(self, port: int) -> bool:
        return not self._starting() and readyz(port) == http.client.OK

    def _starting(self) -> list[str]:
        """Return the programs that have not yet run for `startsecs`."""
        running = {name for name, state in program_states(self.folder) if state == "RUNNING"}
        return [name for name in self.programs if name not in running]

    def error(self) -> UserError:
        """Return why it has ended by itself, or has not become ready."""
        failed = [name for name, state in program_states(self.folder) if state == "FATAL"]
        if failed:
            return UserError(f"The program “{failed[0]}” does not start. {self._log(failed[0])}")
        if self.process.poll() is not None:
            return UserError(f"The supervisor has ended. {self._log('supervisor')}")
        late = next(iter(self._starting()), "web")
        return UserError(f"The program “{late}” does not become ready. {self._log(late)}")

    def _log(self, name: str) -> str:
        return log_tail(self.folder.log / f"{name}.log")


@contextlib.contextmanager
def run_supervisor(
    folder: LocalFolder,
    programs: dict[str, Program],
    environment: dict[str, str],
    pids: dict[str, int],
) -> Iterator[Supervisor]:
    file = folder.path / "supervisor.conf"
    file.write_text(configuration(programs), encoding="utf-8")
    states_file(folder).unlink(missing_ok=True)
    command = [sys.executable, "-c", SUPERVISORD, "-c", file.name]
    with (folder.log / "supervisor.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own programs
            command, env=environment | _variables(folder), cwd=folder.path,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    pids["supervisor"] = process.pid
    try:
        yield Supervisor(folder, programs, process)
    finally:
        stop(process, signal.SIGTERM)


def _variables(folder: LocalFolder) -> dict[str, str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {"PATH": path, "PAPER_BOAT_ROOT": str(ROOT), HOME: str(folder.path)}


def states_file(folder: LocalFolder) -> Path:
    return folder.path / "states"


def program_states(folder: LocalFolder) -> list[tuple[str, str]]:
    """Return every (program, state) that the supervisor has reported, oldest first."""
    try:
        lines = states_file(folder).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    return [(name, state) for name, _, state in (line.partition(" ") for line in lines)]
