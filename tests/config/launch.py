"""Programs of our own, started as a shell would start them, and what becomes of them."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from config.place import HOME, ROOT, Place

# Starts the servers of a place and says so; ends when it is told to, as a launcher does.
SERVE = """
import contextlib, os, signal
from config.house import held, open_place, servers
from config.processes import Stopped, stop_on_signals
stop_on_signals()
place = open_place()
with contextlib.suppress(Stopped), held(place, "run"):
    with servers(place, "run", dict(os.environ), keep=True) as state:
        print(*state.pids.values(), flush=True)
        signal.pause()
"""


@contextmanager
def serving(
    place: Place, environment: dict[str, str]
) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A launcher in a process of its own, and the pids of the servers it has started."""
    launcher = subprocess.Popen(
        [sys.executable, "-c", SERVE],
        cwd=ROOT,
        env=environment | {HOME: str(place.folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert launcher.stdout is not None
    try:
        yield launcher, [int(pid) for pid in launcher.stdout.readline().split()]
    finally:
        launcher.terminate()
        launcher.communicate(timeout=30)


def local(
    *arguments: str, place: Place, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """`./dev …` once .venv is there, until it ends."""
    return run(
        [sys.executable, "-m", "config.local", *arguments],
        environment | {HOME: str(place.folder)},
        cwd=ROOT,
    )


def run(
    command: Sequence[str], environment: dict[str, str], cwd: Path
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def is_running(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
