"""The folder that holds what a house on this machine keeps: data, secrets, logs, who is running.

Nothing here (nor in servers, processes, programs and local) reads the settings: all of it runs
before they can be read.
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
# What every server and program of one run carries in its environment, so that all of them can be
# found again after the launcher itself was killed.
RUN = "PAPER_BOAT_RUN"
HOME = "PAPER_BOAT_HOME"


class Trouble(Exception):
    """Something foreseeable is in the way. Its words say what, and what to do about it."""


def say(words: str, stream: TextIO | None = None) -> None:
    stream = stream or sys.stdout
    # The terminal may be gone already; stopping goes on without it.
    with contextlib.suppress(OSError, ValueError):
        stream.write(f"{words}\n")
        stream.flush()


@dataclass
class State:
    """What runs now, as `servers.json` keeps it: enough to use it, and to stop it after a crash."""

    verb: str
    run: str = field(default_factory=lambda: secrets.token_hex(16))
    pids: dict[str, int] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    folder: Path

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def database(self) -> Path:
        return self.folder / "postgres"

    @property
    def secrets(self) -> Path:
        return self.folder / "secrets"

    @property
    def state(self) -> Path:
        return self.folder / "servers.json"

    def make(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.log.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise Trouble(f"The folder {self.folder} cannot be used: {error.strerror}.") from error
        if not os.access(self.folder, os.W_OK) or not os.access(self.log, os.W_OK):
            raise Trouble(
                f"The folder {self.folder} belongs to another user: run this as that user, "
                f"or name another folder in {HOME}."
            )

    @contextlib.contextmanager
    def locked(self, verb: str) -> Iterator[None]:
        """Hold this folder alone. The system lets go when this process ends, however it ends."""
        with (self.folder / "lock").open("a+", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise Trouble(self._in_use(lock.name)) from error
            lock.truncate(0)
            lock.write(f"./dev {verb} (process {os.getpid()})")
            lock.flush()
            yield

    def in_use(self) -> bool:
        try:
            with self.locked("look"):
                return False
        except Trouble:
            return True

    def _in_use(self, lock: str) -> str:
        holder = Path(lock).read_text(encoding="utf-8").strip() or "Another ./dev"
        return f"{holder} is already using {self.folder}: stop it first (Ctrl-C in its terminal)."

    def read_state(self) -> State | None:
        try:
            return State(**json.loads(self.state.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def write_state(self, state: State) -> None:
        write_private(self.state, json.dumps(asdict(state)))

    def read_secrets(self) -> dict[str, str]:
        """The secrets of this place, made the first time."""
        if not self.secrets.exists():
            if self.database.exists():
                raise Trouble(
                    f"{self.database} is here but the secrets that open it are not: put "
                    f"{self.secrets} back, or move {self.database} away to begin anew."
                )
            write_private(self.secrets, _as_lines(new_secrets()))
        return self._parse_secrets()

    def _parse_secrets(self) -> dict[str, str]:
        try:
            lines = self.secrets.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise Trouble(f"{self.secrets} cannot be read: {error.strerror}.") from error
        found = {name: value for name, _, value in (line.partition("=") for line in lines)}
        missing = sorted(SECRETS - found.keys())
        if missing:
            raise Trouble(
                f"{self.secrets} lacks {', '.join(missing)}: put the whole file back, or move "
                f"{self.folder} away to begin anew."
            )
        return found


SECRETS = {"POSTGRES_PASSWORD", "REDIS_PASSWORD", "SECRET_KEY", "VAULT_KEYS"}


def new_secrets() -> dict[str, str]:
    # Here and not above: nothing is installed yet when ./dev only lists its verbs.
    from vault.sealing import new_keyset

    return {
        "POSTGRES_PASSWORD": secrets.token_urlsafe(32),
        "REDIS_PASSWORD": secrets.token_urlsafe(32),
        "SECRET_KEY": secrets.token_urlsafe(64),
        "VAULT_KEYS": f"k1:{new_keyset()}",
    }


def _as_lines(values: dict[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in values.items())


def write_private(path: Path, text: str) -> None:
    """Whole or not at all, and for the owner's eyes only."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123
        file.write(text)
    unfinished.rename(path)
