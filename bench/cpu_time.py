"""How much of the processor a server has used so far: all its processes, ended ones too."""

import psutil
import psycopg


def web(pid: int) -> psutil.Process:
    return psutil.Process(pid)


def postgres(url: str) -> psutil.Process:
    """The server behind this address: the parent of whoever answers there."""
    with psycopg.connect(url) as connection:
        parent = psutil.Process(connection.info.backend_pid).parent()
    if parent is None:
        raise LookupError("Postgres answers, but its own process is nowhere to be seen.")
    return parent


def seconds(servers: list[psutil.Process]) -> float:
    """What these and their children have used. Who has ended is counted by its parent."""
    return sum(
        _of(process) for server in servers for process in (server, *server.children(recursive=True))
    )


def _of(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)
