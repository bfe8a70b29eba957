"""`./dev …` and other programs in processes of their own, started as a shell would start them."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from local.folder import HOME, ROOT, LocalFolder

# Start the servers of a folder, print their pids, and stop them on a signal. A signal that came
# just before `signal.pause()` would be lost, so this reads what every signal writes into a pipe.
SERVE = """
import contextlib, os, signal
from local.stack import locked, open_local_folder, run_servers
from local.processes import Stopped, stop_on_signals
read, write = os.pipe()
os.set_blocking(write, False)
signal.set_wakeup_fd(write)
# The tests themselves may run under nohup, which lets every program they start ignore it.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
stop_on_signals()
folder = open_local_folder()
with contextlib.suppress(Stopped), locked(folder, "run"):
    with run_servers(folder, "run", dict(os.environ), durable=True) as running:
        print(*running.state.pids.values(), flush=True)
        while True:
            os.read(read, 1)
"""


@contextmanager
def serving(
    folder: LocalFolder, environment: dict[str, str]
) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A launcher in a process of its own, and the pids of the servers it has started."""
    launcher = subprocess.Popen(
        [sys.executable, "-c", SERVE],
        cwd=ROOT,
        env=environment | {HOME: str(folder.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert launcher.stdout is not None
    try:
        yield launcher, [int(pid) for pid in launcher.stdout.readline().split()]
    finally:
        launcher.terminate()
        launcher.communicate(timeout=120)


def local(
    *arguments: str, folder: LocalFolder, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run `./dev …` in this folder until it ends, with .venv already there."""
    return run(
        [sys.executable, "-m", "local", *arguments],
        environment | {HOME: str(folder.path)},
        cwd=ROOT,
    )


def run(
    command: Sequence[str], environment: dict[str, str], cwd: Path
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def is_running(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
