"""Starting programs, waiting for them, and stopping them: ours, and no others."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType

import psutil

from config.logs import readable
from local.folder import RUN, Place, Trouble, say

# Supervisor stops its programs first; Postgres goes last, with a fast shutdown.
STOPPING = {"supervisor": signal.SIGTERM, "redis": signal.SIGTERM, "postgres": signal.SIGINT}
# Longer than the longest of the programs' own limits (the worker's 45 seconds).
PATIENCE = 75
# What a shell shows for a program ended by Ctrl-C.
INTERRUPTED = 130


class Stopped(BaseException):
    """Ctrl-C, SIGTERM, or the terminal has closed."""


def stop_on_signals() -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        # Stopping is not interrupted a second time.
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, signal.SIG_IGN)
        raise Stopped

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    # Under nohup the terminal may close.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, stop)


def in_front(command: Sequence[str], environment: dict[str, str]) -> int:
    """Run a command where this one runs, with its terminal; the exit code it ends with."""
    child = subprocess.Popen(command, env=environment)  # noqa: S603 - our own programs

    def pass_on(number: int, frame: FrameType | None) -> None:
        child.send_signal(number)

    # The terminal sends Ctrl-C to the child as well; it decides what that means.
    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, signal.SIG_IGN),
        signal.SIGTERM: signal.signal(signal.SIGTERM, pass_on),
        signal.SIGHUP: signal.signal(signal.SIGHUP, pass_on),
    }
    try:
        code = child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code


def quietly(command: Sequence[str], environment: dict[str, str], log: Path) -> None:
    """Run a step of getting ready; its words are kept in `log` and shown only when it fails."""
    with log.open("wb") as file:
        done = subprocess.run(  # noqa: S603 - our own programs
            command, env=environment, stdout=file, stderr=file, start_new_session=True, check=False
        )
    if done.returncode != 0:
        raise Trouble(f"`{' '.join(command[1:])}` failed. {last_lines(log)}")


def last_lines(log: Path, count: int = 15) -> str:
    try:
        words = log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:]
    except OSError:
        words = []
    return "\n".join([f"The end of {log}:", *(f"  {readable(line)}" for line in words)])


def wait_until(
    is_true: Callable[[], bool], process: subprocess.Popen[bytes], *, seconds: float
) -> bool:
    """Whether it came true while the process was there and there was time."""
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        if is_true():
            return True
        time.sleep(0.05)
    return False


def stop(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if process.poll() is None:
        process.send_signal(number)
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


# --- What an earlier run left behind -------------------------------------------------------


def belonging_to(run: str) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if _carries(process, run)]


def _carries(process: psutil.Process, run: str) -> bool:
    try:
        return bool(process.environ().get(RUN) == run) and process.pid != os.getpid()
    except (psutil.Error, OSError):
        return False


def sweep(run: str, pids: dict[str, int]) -> None:
    """Stop everything that carries this run's mark: servers as they like it, then the rest."""
    for name, number in STOPPING.items():
        end([p for p in belonging_to(run) if p.pid == pids.get(name)], number)
    end(belonging_to(run), signal.SIGTERM, patience=10)
    end(belonging_to(run), signal.SIGKILL)


def end(processes: list[psutil.Process], number: int, patience: float = PATIENCE) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.send_signal(number)
    psutil.wait_procs(processes, timeout=patience)


@contextlib.contextmanager
def swept(place: Place, run: str, pids: dict[str, int]) -> Iterator[None]:
    """Whatever happens inside, nothing of this run is left, and no note of it."""
    try:
        yield
    finally:
        sweep(run, pids)
        place.state.unlink(missing_ok=True)


def recover(place: Place) -> None:
    """Stop what is left of a run that was killed. The caller holds the lock, so none is wanted."""
    state = place.read_state()
    if state is None:
        return
    if belonging_to(state.run):
        say("The last run was cut short; stopping what it left behind.", sys.stderr)
    sweep(state.run, state.pids)
    place.state.unlink(missing_ok=True)
