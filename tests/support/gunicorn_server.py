"""Programs of our own, started as a shell would start them, and what becomes of them."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection, connections
from pytest_django import DjangoDbBlocker

from accounts.models import User
from local.folder import HOME, ROOT, LocalFolder
from local.processes import wait_until
from local.servers import free_port
from local.supervisor import WEB
from tests.conftest import PASSWORD, Client
from vault.sessions import Session

# Starts the servers of a place and says so; ends when it is told to, as a launcher does.
SERVE = """
import contextlib, os, signal
from local.stack import locked, open_local_folder, run_servers
from local.processes import Stopped, stop_on_signals
stop_on_signals()
folder = open_local_folder()
with contextlib.suppress(Stopped), locked(folder, "run"):
    with run_servers(folder, "run", dict(os.environ), durable=True) as running:
        print(*running.state.pids.values(), flush=True)
        signal.pause()
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
        launcher.communicate(timeout=30)


def local(
    *arguments: str, folder: LocalFolder, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """`./dev …` once .venv is there, until it ends."""
    return run(
        [sys.executable, "-m", "local", *arguments],
        environment | {HOME: str(folder.path)},
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


# --- The web server ------------------------------------------------------------------------


@dataclass(frozen=True)
class Said:
    """What a program has written, to its standard output and error, until now."""

    file: Path
    process: "subprocess.Popen[bytes]"

    def text(self) -> str:
        return self.file.read_text(encoding="utf-8")

    def lines(self) -> list[dict[str, Any]]:
        """Each of them JSON, or the test fails."""
        return [json.loads(line) for line in self.text().splitlines()]

    def waits_for(self, words: str) -> bool:
        return wait_until(lambda: words in self.text(), self.process, seconds=60)


@dataclass(frozen=True)
class Web:
    """The real web server, in front of the database of the tests."""

    port: int
    said: Said

    def raw(self, *parts: bytes) -> bytes:
        """Whatever it answers to these bytes, until it or we have nothing more to say."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as line:
            answer = b""
            # It may have heard enough before we have said all.
            with suppress(OSError):
                for part in parts:
                    line.sendall(part)
                line.shutdown(socket.SHUT_WR)
            with suppress(ConnectionError):
                while more := line.recv(65536):
                    answer += more
            return answer


def of_the_tests() -> dict[str, str]:
    """Our environment, with the database and the files that this run of the suite has."""
    name = connection.settings_dict["NAME"]
    assert name.startswith("test_"), "this needs a test with the database"
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}")
    return dict(os.environ) | {
        "DATABASE_URL": url.geturl(),
        "STATIC_ROOT": str(settings.STATIC_ROOT),
        "PAGES_ROOT": str(settings.PAGES_ROOT),
        "DOTENV": os.devnull,
    }


@contextmanager
def started(command: Sequence[str], environment: dict[str, str], file: Path) -> Iterator[Said]:
    with file.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
        )
    try:
        yield Said(file, process)
    finally:
        process.terminate()
        process.wait(60)


@contextmanager
def somebody(address: str, blocker: DjangoDbBlocker) -> Iterator[str]:
    """The session's cookie of a person whom the web server sees too: not in a transaction, so
    that what they left is taken away afterwards."""
    with blocker.unblock():
        cache.clear()
        client = Client()
        client.force_login(User.objects.create_user(address, PASSWORD))
        yield client.cookies[settings.SESSION_COOKIE_NAME].value
        User.objects.filter(email=address).delete()
        Session.objects.all().delete()
        cache.clear()
        # Opened outside any test, so no test closes it.
        connections.close_all()


@contextmanager
def web(file: Path, **more: str) -> Iterator[Web]:
    port = free_port()
    environment = of_the_tests() | {"GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{port}"} | more
    program = WEB.command.replace("--workers 2", "--workers 1").removeprefix("python ").split()
    with started([sys.executable, *program], environment, file) as said:
        server = Web(port, said)
        assert wait_until(lambda: _answers(server), said.process, seconds=60), said.text()[-2000:]
        yield server


def _answers(server: Web) -> bool:
    with suppress(OSError):
        return b"HTTP/1.1 " in server.raw(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return False


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, collected: Path, django_db_setup: None
) -> Iterator[Web]:
    with web(tmp_path_factory.mktemp("web") / "log") as server:
        yield server


@pytest.fixture(scope="module")
def cookie(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """The session's, of somebody signed in there."""
    with somebody("alice@example.org", django_db_blocker) as value:
        yield value
