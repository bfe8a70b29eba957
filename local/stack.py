"""Settings, servers and programs on this machine: what the verbs of `./dev` are made of."""

import contextlib
import os
import re
import shlex
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import NoReturn

from local.folder import HOME, ROOT, RUN, LocalFolder, State, UserError, print_line
from local.processes import ensure_stopped, log_tail, run_logged, stop_leftovers
from local.servers import (
    LOOPBACK,
    Server,
    answers_ping,
    free_port,
    is_free,
    loopback_hosts,
    refuses_connections,
    run_postgres,
    run_redis,
)
from local.supervisor import CATCHER, PREPARE, PROGRAMS, Program, Supervisor, run_supervisor

Environment = dict[str, str]
# What a second ./dev needs, to use the servers of the first.
SHARED_VARIABLES = (
    "DATABASE_URL", "REDIS_URL", "SECRET_KEY", "VAULT_KEYS", "SITE_URL", "EMAIL_HOST",
    "EMAIL_PORT", "MAIL_CATCHER", "STATIC_ROOT", "PAGES_ROOT",
)  # fmt: skip
# In seconds. A restarted server that ends within this time is not restarted once more.
SHORTEST_UPTIME = 60


def open_local_folder() -> LocalFolder:
    folder = LocalFolder(Path(os.environ.get(HOME) or ROOT / ".local").absolute())
    folder.make()
    return folder


@contextlib.contextmanager
def locked(folder: LocalFolder, verb: str) -> Iterator[None]:
    """Lock the folder, and stop what a killed run has left behind in it."""
    with folder.lock(verb):
        stop_leftovers(folder)
        yield


# --- Settings ------------------------------------------------------------------------------


def read_environment() -> Environment:
    """Return the environment, with defaults from `.env`, as the settings read them.

    Raises UserError if the file cannot be read.
    """
    from dotenv import dotenv_values

    path = os.environ.get("DOTENV") or ROOT / ".env"
    try:
        file = dotenv_values(path)
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path} cannot be read: it must be a text file that this program may open."
        ) from error
    return {name: value for name, value in file.items() if value} | dict(os.environ)


def is_set(environment: Environment, name: str) -> bool:
    return bool(environment.get(name) or environment.get(f"{name}_FILE"))


def set_local_defaults(folder: LocalFolder, environment: Environment, port: int) -> None:
    """Set the address of the site, its folders and its mail server, as far as they are not set.

    Raises UserError if GUNICORN_CMD_ARGS is malformed.
    """
    if not is_set(environment, "EMAIL_HOST"):
        environment["EMAIL_HOST"] = LOOPBACK
        environment["EMAIL_PORT"] = str(free_port())
        environment.setdefault("MAIL_CATCHER", str(folder.path / "mail"))
    environment.setdefault("SITE_URL", f"http://localhost:{port}")
    environment.setdefault("GUIDE_RELOAD", "true")
    environment.setdefault("STATIC_ROOT", str(folder.path / "static"))
    environment.setdefault("PAGES_ROOT", str(folder.path / "pages"))
    arguments = environment.get("GUNICORN_CMD_ARGS", "")
    try:
        shlex.split(arguments)
    except ValueError as error:
        raise UserError(
            "GUNICORN_CMD_ARGS is not valid: it lacks a closing quotation mark."
        ) from error
    for host in loopback_hosts():
        arguments += f" --bind {f'[{host}]' if ':' in host else host}:{port}"
    environment["GUNICORN_CMD_ARGS"] = arguments.strip()


def choose_port(environment: Environment) -> int:
    """Return PORT, or 8000; a free one for 0. Raises UserError if it is malformed or taken."""
    text = environment.get("PORT") or "8000"
    if not text.isdecimal() or int(text) > 65_535:
        raise UserError(f"PORT is “{text}”, which is no port: choose one from 1024 to 65535.")
    port = int(text)
    if port and not is_free(port):
        raise UserError(
            f"Port {port} is taken by another program: stop that one, or choose another port, "
            f"as in PORT={port + 1} ./dev run"
        )
    return port or free_port()


def settings_names() -> set[str]:
    """Return every name that the settings read, as listed in `.env.example`."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    return set(re.findall(r"^#? ?([A-Z_]+)=", text, flags=re.MULTILINE))


# --- Servers -------------------------------------------------------------------------------


@dataclass(frozen=True)
class RunningServers:
    state: State
    # Only those that were started here.
    servers: list[Server]


@contextlib.contextmanager
def run_servers(
    folder: LocalFolder, verb: str, environment: Environment, *, durable: bool
) -> Iterator[RunningServers]:
    """Run Postgres and Redis, unless the environment names others. Add their addresses to it."""
    secrets = folder.read_secrets()
    for name in ("SECRET_KEY", "VAULT_KEYS"):
        if not is_set(environment, name):
            environment[name] = secrets[name]
    state, started = State(verb), []
    environment[RUN] = state.run
    folder.write_state(state)
    with ensure_stopped(folder, state.run, state.pids), contextlib.ExitStack() as stack:
        if not is_set(environment, "DATABASE_URL"):
            password = secrets["POSTGRES_PASSWORD"]
            postgres = run_postgres(folder, password, environment, state.pids, durable=durable)
            started.append(stack.enter_context(postgres))
            environment["DATABASE_URL"] = started[-1].url
        if not is_set(environment, "REDIS_URL"):
            redis = run_redis(folder, secrets["REDIS_PASSWORD"], environment, state.pids)
            started.append(stack.enter_context(redis))
            environment["REDIS_URL"] = started[-1].url
        state.environment = _shared(environment)
        folder.write_state(state)
        yield RunningServers(state, started)


def _shared(environment: Environment) -> Environment:
    names = [name for shared in SHARED_VARIABLES for name in (shared, f"{shared}_FILE")]
    return {name: environment[name] for name in names if name in environment}


@contextlib.contextmanager
def environment_with_servers(verb: str) -> Iterator[Environment]:
    """Yield the environment of a running `./dev run`, or else start servers for this command."""
    folder = open_local_folder()
    shared = environment_of_running(folder)
    if shared:
        yield shared
        return
    environment = read_environment()
    with locked(folder, verb):
        set_local_defaults(folder, environment, free_port())
        with run_servers(folder, verb, environment, durable=True):
            yield environment


def environment_of_running(folder: LocalFolder) -> Environment | None:
    state = folder.read_state() if folder.in_use() else None
    if state is None or state.verb != "run" or not state.environment:
        return None
    return read_environment() | state.environment


@contextlib.contextmanager
def temporary_servers(verb: str = "test", *, durable: bool = False) -> Iterator[Environment]:
    """Run servers whose data and secrets are deleted afterwards; ignore the user's own settings.

    To measure time, let Postgres write to disk as if the data were `durable`.
    """
    names = settings_names()
    environment = {
        name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in names
    }
    with tempfile.TemporaryDirectory(prefix="paper-boat-") as path:
        folder = LocalFolder(Path(path))
        # Postgres may run as another user, who must reach its data folder.
        folder.path.chmod(0o711)
        folder.make()
        temporary = folder.path / "tmp"
        temporary.mkdir(mode=0o711)
        environment |= {
            "DOTENV": os.devnull,
            "SITE_URL": "http://localhost:8000",
            "STATIC_ROOT": str(folder.path / "static"),
            "PAGES_ROOT": str(folder.path / "pages"),
            # Temporary files of the programs are deleted with the folder.
            "TMPDIR": str(temporary),
        }
        with run_servers(folder, verb, environment, durable=durable):
            yield environment


# --- The running product -------------------------------------------------------------------


@dataclass(frozen=True)
class Product:
    environment: Environment
    folder: LocalFolder
    running: RunningServers
    supervisor: Supervisor

    def keep_running(self) -> NoReturn:
        """Start a server again when it ends. Raises UserError when that fails, or a program does.

        Without its server the product would go on, and fail in every request or send no mail.
        """
        ended: SimpleQueue[Server | None] = SimpleQueue()
        _notify(ended, self.supervisor.process, None)
        for running in self.running.servers:
            _notify(ended, running.process, running)
        while server := ended.get():
            self._restart(server)
            _notify(ended, server.process, server)
        raise self.supervisor.error()

    def _restart(self, server: Server) -> None:
        name = server.name.capitalize()
        if server.restarts and server.uptime() < SHORTEST_UPTIME:
            raise UserError(f"{name} has ended again and again. {log_tail(server.log)}")
        print_line(f"{name} has ended and is started again …", sys.stderr)
        server.restart()
        self.folder.write_state(self.running.state)
        print_line(f"{name} runs again.", sys.stderr)


def _notify(
    ended: "SimpleQueue[Server | None]", process: "subprocess.Popen[bytes]", server: Server | None
) -> None:
    """Put the server into the queue when its process ends."""

    def wait() -> None:
        process.wait()
        ended.put(server)

    threading.Thread(target=wait, daemon=True).start()


@contextlib.contextmanager
def run_product(folder: LocalFolder, port: int) -> Iterator[Product]:
    """Run everything, once it is ready. Raises UserError if a part of it does not start."""
    environment = read_environment()
    _check_named_servers(environment)
    set_local_defaults(folder, environment, port)
    print_line("Getting ready …")
    if not folder.database.exists() and not is_set(environment, "DATABASE_URL"):
        print_line("The first time takes up to two minutes.")
    print_line("Starting Postgres and Redis …")
    with run_servers(folder, "run", environment, durable=True) as running:
        for words in PREPARE:
            print_line(f"Running manage.py {words} …")
            run_logged(manage_py(words), environment, folder.log / f"{words.split()[0]}.log")
        programs = _programs(environment)
        print_line(f"Starting {', '.join(programs)} …")
        with run_supervisor(folder, programs, environment, running.state.pids) as supervisor:
            folder.write_state(running.state)
            supervisor.wait_until_ready(port)
            yield Product(environment, folder, running, supervisor)


def _check_named_servers(environment: Environment) -> None:
    """Raise UserError if a server in the environment does not answer.

    Without a database `migrate` would show a traceback; without a broker no mail would be sent.
    """
    database, broker = (_value(environment, name) for name in ("DATABASE_URL", "REDIS_URL"))
    if database and refuses_connections(database):
        raise UserError(
            "The Postgres in DATABASE_URL accepts no connection: start it, correct its address, or "
            "unset DATABASE_URL to use one that is started for you."
        )
    if broker and not answers_ping(broker):
        raise UserError(
            "The Redis in REDIS_URL does not answer: start it, correct its address, or unset "
            "REDIS_URL to use one that is started for you."
        )


def _value(environment: Environment, name: str) -> str:
    """Return the value of NAME, or of the file in NAME_FILE, or an empty text."""
    file = environment.get(f"{name}_FILE")
    if not file:
        return environment.get(name, "")
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise UserError(
            f"{name}_FILE cannot be read: it must be a text file that this program may open."
        ) from error


def _programs(environment: Environment) -> dict[str, Program]:
    return {
        name: program
        for name, program in PROGRAMS.items()
        if program is not CATCHER or is_set(environment, "MAIL_CATCHER")
    }


def manage_py(words: str) -> list[str]:
    return [sys.executable, "manage.py", *words.split()]
