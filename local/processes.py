"""Starting programs, waiting for them, and stopping them, including those of a killed run."""

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
from local.folder import RUN, LocalFolder, UserError, print_line

# In this order: the supervisor stops the programs that use the servers, and Postgres goes last.
STOP_SIGNALS = {
    "supervisor": signal.SIGTERM,
    "redis": signal.SIGTERM,
    # Fast shutdown: disconnect clients, write everything to disk.
    "postgres": signal.SIGINT,
}
# In seconds. More than any program's own limit (the worker's 45).
STOP_TIMEOUT = 75
# The exit code that shells show after Ctrl-C.
INTERRUPTED = 130


class Stopped(BaseException):
    """Ctrl-C, SIGTERM, or the terminal has closed."""


def stop_on_signals() -> None:
    """Raise Stopped on the first signal, and ignore the next ones: an orderly stop takes time."""

    def stop(number: int, frame: FrameType | None) -> None:
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, signal.SIG_IGN)
        raise Stopped

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    # Under nohup the terminal may close.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, stop)


def run_in_foreground(command: Sequence[str], environment: dict[str, str]) -> int:
    """Run a command in this terminal; return its exit code, as a shell would."""
    child = subprocess.Popen(command, env=environment)  # noqa: S603 - our own programs

    def pass_on(number: int, frame: FrameType | None) -> None:
        child.send_signal(number)

    # The terminal sends Ctrl-C to the child too: ignored here, so that the child decides.
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


def run_logged(command: Sequence[str], environment: dict[str, str], log: Path) -> None:
    """Run a command with its output in `log`. Raises UserError if it fails.

    A command that explains itself in one line, as the settings do, is shown by that line alone.
    """
    with log.open("wb") as file:
        done = subprocess.run(  # noqa: S603 - our own programs
            command, env=environment, stdout=file, stderr=file, start_new_session=True, check=False
        )
    if done.returncode != 0:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        if len(lines) == 1:
            raise UserError(lines[0])
        raise UserError(f"`{' '.join(command[1:])}` failed. {log_tail(log)}")


def log_tail(log: Path, count: int = 15) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:]
    except OSError:
        lines = []
    return "\n".join([f"The end of {log}:", *(f"  {readable(line)}" for line in lines)])


def wait_until(
    is_true: Callable[[], bool], process: subprocess.Popen[bytes], *, seconds: float
) -> bool:
    """Return whether it became true before the process ended and the time was up."""
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
        process.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


# --- What a killed run left behind ---------------------------------------------------------


def processes_of_run(run: str) -> list[psutil.Process]:
    """Return every process that has this run in its environment, except this one."""
    return [process for process in psutil.process_iter() if _belongs_to(process, run)]


def _belongs_to(process: psutil.Process, run: str) -> bool:
    try:
        return bool(process.environ().get(RUN) == run) and process.pid != os.getpid()
    except (psutil.Error, OSError):
        return False


def stop_run(run: str, pids: dict[str, int]) -> None:
    """Stop every process of the run: the servers by their own signals, then the rest."""
    for name, number in STOP_SIGNALS.items():
        signal_and_wait([p for p in processes_of_run(run) if p.pid == pids.get(name)], number)
    signal_and_wait(processes_of_run(run), signal.SIGTERM, timeout=10)
    signal_and_wait(processes_of_run(run), signal.SIGKILL)


def signal_and_wait(
    processes: list[psutil.Process], number: int, timeout: float = STOP_TIMEOUT
) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.send_signal(number)
    psutil.wait_procs(processes, timeout=timeout)


@contextlib.contextmanager
def ensure_stopped(folder: LocalFolder, run: str, pids: dict[str, int]) -> Iterator[None]:
    """On exit, stop what still belongs to the run and delete its state."""
    try:
        yield
    finally:
        stop_run(run, pids)
        folder.state.unlink(missing_ok=True)


def stop_leftovers(folder: LocalFolder) -> None:
    """Stop what is left of a run that was killed. The caller has locked the folder."""
    state = folder.read_state()
    if state is None:
        return
    if processes_of_run(state.run):
        print_line("The last run was cut short; stopping what it left behind.", sys.stderr)
    stop_run(state.run, state.pids)
    folder.state.unlink(missing_ok=True)
