"""Runs Postgres on a small disk that can be filled to the last byte.

A program that reads lines, each the name of a method, and answers each with a line of JSON. Its
disk is a tmpfs in a mount namespace of its own, which is gone however the program ends.
"""

import json
import os
import secrets
import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path

from local.folder import LocalFolder, UserError
from local.servers import free_port, run_postgres

SIZE = "size=192m"
# How to have a mount that only this process and its children see.
PREFIXES = (("unshare", "-U", "-m", "--map-root-user"), ("unshare", "-m"))
BLOCK = bytes(64 * 1024)


def command(folder: Path) -> tuple[list[str], bool]:
    """The command that starts this program, and whether it will have a small disk."""
    program = [sys.executable, "-m", "tests.faults.postgres_host", str(folder)]
    for prefix in PREFIXES:
        if _may_mount(prefix, folder):
            return [*prefix, *program, SIZE], True
    return program, False


def _may_mount(prefix: tuple[str, ...], folder: Path) -> bool:
    try:
        done = subprocess.run([*prefix, *_mount(folder, SIZE)], capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0


def _mount(folder: Path, size: str) -> list[str]:
    return ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)]


class PostgresHost:
    def __init__(self, folder: Path) -> None:
        self.folder = LocalFolder(folder)
        # Postgres may have to run as another user, who must be able to enter this folder.
        folder.chmod(0o711)
        self.folder.make()
        self.port, self.password = free_port(), secrets.token_urlsafe(16)
        self.running = ExitStack()
        self.filler = folder / "filler"

    def start(self) -> dict[str, object]:
        """Start it on the same port each time, as when a machine is restarted."""
        self.running.close()
        pids: dict[str, int] = {}
        server = run_postgres(
            self.folder, self.password, dict(os.environ), pids, durable=True, port=self.port
        )
        url = self.running.enter_context(server).url
        return {"url": url, "pid": pids["postgres"], "port": self.port}

    def stop(self) -> dict[str, object]:
        """Stop it in its “fast” mode: sessions are ended, and what was committed is on the disk."""
        self.running.close()
        return {}

    def fill(self) -> dict[str, object]:
        with suppress(OSError), self.filler.open("ab", buffering=0) as file:
            while file.write(BLOCK):
                pass
        with suppress(OSError), self.filler.open("ab", buffering=0) as file:
            while file.write(b"\0"):
                pass
        return {"bytes": self.filler.stat().st_size}

    def free(self) -> dict[str, object]:
        self.filler.unlink(missing_ok=True)
        return {}


def main(folder: Path, *size: str) -> None:
    if size:
        subprocess.run(_mount(folder, *size), check=True)
    host = PostgresHost(folder)
    try:
        for line in sys.stdin:
            try:
                answer = getattr(host, line.strip())()
            except UserError as trouble:
                answer = {"error": str(trouble)}
            sys.stdout.write(f"{json.dumps(answer)}\n")
            sys.stdout.flush()
    finally:
        host.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
