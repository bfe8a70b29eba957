"""Servers to measure: databases, web servers, and functions run inside the product."""

import contextlib
import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg

from bench.load_generator import request, status_of
from local.folder import UserError
from local.processes import log_tail, run_logged, wait_until
from local.servers import LOOPBACK, free_port
from local.stack import Environment, manage_py
from local.supervisor import PREPARE, WEB

# The same for the product and the floor: gunicorn's sync worker, without threads.
SERVE = f"{WEB.command} --threads 1 --worker-class sync --bind {LOOPBACK}:"


def prepare(environment: Environment, log: Path) -> None:
    """Run the commands that the product needs once before it is served."""
    for command in PREPARE:
        run_logged(manage_py(command), environment, log / f"{command.split()[0]}.log")


def create_database(url: str, name: str) -> str:
    """Create a database beside that of `url`, and return its address."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{url.rpartition('/')[0]}/{name}"


def call_inside(module: str, function: str, environment: Environment, **arguments: Any) -> Any:
    """Call a function in a process with these settings; return its result through JSON."""
    lines = (
        "import json, sys",
        f"from {module} import {function}",
        f"json.dump({function}(**{arguments!r}), sys.stdout)",
    )
    done = subprocess.run(  # noqa: S603 - our own program
        [*manage_py("shell -v 0 -c"), "\n".join(lines)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise UserError(f"Filling the database failed.\n{done.stderr}")
    return json.loads(done.stdout)


@contextlib.contextmanager
def web_server(
    wsgi: str, environment: Environment, log: Path
) -> Iterator[tuple[int, psutil.Process]]:
    """Serve a WSGI module; yield its port and main process."""
    port = free_port()
    _, _, *arguments = shlex.split(SERVE.replace("config.wsgi", wsgi) + str(port))
    with log.open("wb") as file:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", *arguments],
            env=environment,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    try:
        if not wait_until(lambda: _answers(port), process, seconds=60):
            raise UserError(f"{wsgi} does not start. {log_tail(log)}")
        yield port, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(30)


def _answers(port: int) -> bool:
    try:
        return status_of(request(port, "/", {})) in {200, 404}
    except OSError:
        return False
