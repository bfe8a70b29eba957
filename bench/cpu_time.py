"""CPU time that a server has used: all its processes, including those that have ended."""

import psutil
import psycopg


def postgres_process(url: str) -> psutil.Process:
    """Return the postmaster behind this address: the parent of the backend that answers."""
    with psycopg.connect(url) as connection:
        parent = psutil.Process(connection.info.backend_pid).parent()
    if parent is None:
        raise LookupError("Postgres answers, but its own process is nowhere to be seen.")
    return parent


def cpu_seconds(server: psutil.Process) -> float:
    """Return the seconds used by a process and its children; ended ones count with their parent."""
    return sum(map(_cpu_seconds_of, (server, *server.children(recursive=True))))


def _cpu_seconds_of(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)
