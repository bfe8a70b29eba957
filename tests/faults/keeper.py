"""The machine that Postgres runs on, with a disk of its own that can be filled to the last byte.

Run as a program and told by lines on its standard input; each is answered by one line of JSON. Its
disk is a small tmpfs which only it can see, and which is gone when it ends, however it ends.
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
# How a mount can be had that only this process and its children see.
PREFIXES = (("unshare", "-U", "-m", "--map-root-user"), ("unshare", "-m"))
BLOCK = bytes(64 * 1024)


def command(folder: Path) -> tuple[list[str], bool]:
    """How to start a keeper here, and whether its disk will be a small one."""
    program = [sys.executable, "-m", "tests.faults.keeper", str(folder)]
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


class Keeper:
    def __init__(self, folder: Path) -> None:
        self.place = LocalFolder(folder)
        # Postgres may have to run as another user, who passes through this folder to its own.
        folder.chmod(0o711)
        self.place.make()
        self.port, self.password = free_port(), secrets.token_urlsafe(16)
        self.running = ExitStack()
        self.filler = folder / "filler"

    def start(self) -> dict[str, object]:
        """On the same port each time, as after a restart of the same machine."""
        self.running.close()
        pids: dict[str, int] = {}
        server = run_postgres(
            self.place, self.password, dict(os.environ), pids, durable=True, port=self.port
        )
        url = self.running.enter_context(server).url
        return {"url": url, "pid": pids["postgres"], "port": self.port}

    def stop(self) -> dict[str, object]:
        """Fast: whoever is at work is cut off, and what was committed is written down."""
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
    keeper = Keeper(folder)
    try:
        for line in sys.stdin:
            try:
                answer = getattr(keeper, line.strip())()
            except UserError as trouble:
                answer = {"trouble": str(trouble)}
            sys.stdout.write(f"{json.dumps(answer)}\n")
            sys.stdout.flush()
    finally:
        keeper.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
