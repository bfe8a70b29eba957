"""The folder of `./dev`, `.local/`: data, secrets, logs, and a note of what is running.

Only loopback_redirect.py reads the settings: the rest of the package starts what they need.
"""

import contextlib
import fcntl
import json
import os
import secrets
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TextIO

ROOT = Path(__file__).resolve().parent.parent
# Set for every server and program of a run: they are found by it after the launcher was killed.
RUN = "PAPER_BOAT_RUN"
HOME = "PAPER_BOAT_HOME"


class UserError(Exception):
    """Something that the user can put right. The message says what, and how."""


def print_line(text: str, stream: TextIO | None = None) -> None:
    stream = stream or sys.stdout
    # The terminal may have closed: that must not interrupt an orderly stop.
    with contextlib.suppress(OSError, ValueError):
        stream.write(f"{text}\n")
        stream.flush()


@dataclass
class State:
    """What is running, as stored in `servers.json`: to use it, and to stop it after a crash."""

    verb: str
    run: str = field(default_factory=lambda: secrets.token_hex(16))
    pids: dict[str, int] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LocalFolder:
    path: Path

    @property
    def log(self) -> Path:
        return self.path / "log"

    @property
    def database(self) -> Path:
        return self.path / "postgres"

    @property
    def secrets(self) -> Path:
        return self.path / "secrets"

    @property
    def state(self) -> Path:
        return self.path / "servers.json"

    def make(self) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self.log.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise UserError(f"The folder {self.path} cannot be used: {error.strerror}.") from error
        if not os.access(self.path, os.W_OK) or not os.access(self.log, os.W_OK):
            raise UserError(
                f"The folder {self.path} belongs to another user: run this as that user, "
                f"or name another folder in {HOME}."
            )

    @contextlib.contextmanager
    def lock(self, verb: str) -> Iterator[None]:
        """Lock the folder for this process. Raises UserError if another process has locked it.

        The system releases the lock when the process ends, even after `kill -9`.
        """
        with self._open_lock() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                lock.seek(0)
                raise UserError(
                    f"{lock.read().strip() or 'Another ./dev'} is already using {self.path}: "
                    "stop it first (Ctrl-C in its terminal)."
                ) from error
            lock.truncate(0)
            lock.write(f"./dev {verb} (process {os.getpid()})")
            lock.flush()
            yield

    def _open_lock(self) -> TextIO:
        file = self.path / "lock"
        try:
            return file.open("a+", encoding="utf-8")
        except OSError as error:
            raise UserError(f"The file {file} cannot be used: {error.strerror}.") from error

    def in_use(self) -> bool:
        try:
            with self.lock("look"):
                return False
        except UserError:
            return True

    def read_state(self) -> State | None:
        try:
            return State(**json.loads(self.state.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def write_state(self, state: State) -> None:
        write_private(self.state, json.dumps(asdict(state)))

    def read_secrets(self) -> dict[str, str]:
        """Return the secrets; generate them the first time.

        Raises UserError if they are incomplete, or missing beside data that needs them.
        """
        if not self.secrets.exists():
            if self.database.exists():
                raise UserError(
                    f"{self.database} is here but the secrets that open it are not: put "
                    f"{self.secrets} back, or move {self.database} away to start over."
                )
            lines = (f"{name}={value}\n" for name, value in new_secrets().items())
            write_private(self.secrets, "".join(lines))
        return self._parse_secrets()

    def _parse_secrets(self) -> dict[str, str]:
        try:
            lines = self.secrets.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise UserError(f"{self.secrets} cannot be read: {error.strerror}.") from error
        found = {name: value for name, _, value in (line.partition("=") for line in lines)}
        missing = sorted(SECRETS - found.keys())
        if missing:
            raise UserError(
                f"{self.secrets} lacks {', '.join(missing)}: put the whole file back, or move "
                f"{self.path} away to start over."
            )
        return found


SECRETS = {"POSTGRES_PASSWORD", "REDIS_PASSWORD", "SECRET_KEY", "VAULT_KEYS"}


def new_secrets() -> dict[str, str]:
    # Imported here, because Tink is slow to import.
    from vault.key_ring import new_keyset

    return {
        "POSTGRES_PASSWORD": secrets.token_urlsafe(32),
        "REDIS_PASSWORD": secrets.token_urlsafe(32),
        "SECRET_KEY": secrets.token_urlsafe(64),
        "VAULT_KEYS": f"k1:{new_keyset()}",
    }


def write_private(path: Path, text: str) -> None:
    """Write the whole file or nothing, readable by its owner only."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123
        file.write(text)
    unfinished.rename(path)
