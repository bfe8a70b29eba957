"""`./dev run`, started as a person starts it."""

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from local.folder import HOME, ROOT, LocalFolder
from mail.dev_inbox.mailbox import CaughtMail, newest
from tests.support.environment import without_settings
from tests.support.waiting import PATIENCE, wait_for

READY = "Ready: "


@dataclass(frozen=True)
class Product:
    """The running product: its address, its folder, and the environment it was started in."""

    url: str
    folder: LocalFolder
    environment: dict[str, str]

    def manage(self, *arguments: str) -> str:
        """Run `./dev manage …` beside it. Return what that prints."""
        done = subprocess.run(
            [sys.executable, "-m", "local", "manage", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
        return done.stdout

    def sql(self, statement: str, *parameters: object) -> None:
        """Change rows directly, as no page can: above all to let time pass."""
        state = self.folder.read_state()
        assert state
        with psycopg.connect(state.environment["DATABASE_URL"]) as connection:
            connection.execute(statement, parameters)

    def mail_to(self, address: str, subject: str) -> CaughtMail:
        """Wait until the worker has sent a mail of this subject. Return the newest one."""
        mailbox = self.folder.path / "mail"

        def find() -> CaughtMail | None:
            for caught in newest(mailbox):
                if caught.mail["To"] == address and caught.mail["Subject"] == subject:
                    return caught
            return None

        found = wait_for(find, f"a mail “{subject}” to {address}", every=0.2)
        assert found
        return found


@contextmanager
def running_product(parent: Path) -> Iterator[Product]:
    """Run the product in a folder with a space in its name, without settings."""
    folder = LocalFolder(parent / "local folder")
    environment = without_settings() | {
        HOME: str(folder.path),
        "PORT": "0",
        "DOTENV": os.devnull,
    }
    launcher = subprocess.Popen(
        [sys.executable, "-m", "local", "run"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield Product(_url(launcher), folder, environment)
    finally:
        launcher.terminate()
        output, _ = launcher.communicate(timeout=PATIENCE)
    assert launcher.returncode == 0, output


def _url(launcher: "subprocess.Popen[str]") -> str:
    """Return the address that it prints once ready. Fails with its output if it ends before."""
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        assert launcher.stdout
        for line in iter(launcher.stdout.readline, ""):
            lines.put(line)
            if line.startswith(READY):
                return
        lines.put(None)

    # `readline` has no timeout of its own.
    threading.Thread(target=read, daemon=True).start()
    output = []
    while (line := lines.get(timeout=PATIENCE)) is not None:
        output.append(line)
        if line.startswith(READY):
            return line.removeprefix(READY).strip().rstrip("/")
    raise AssertionError("".join(output))
