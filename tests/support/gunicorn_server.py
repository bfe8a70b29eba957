"""The real web server, gunicorn, in front of the database of the tests."""

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

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection, connections
from pytest_django import DjangoDbBlocker

from accounts.models import User
from local.folder import ROOT
from local.processes import wait_until
from local.servers import free_port
from local.supervisor import WEB
from tests.support.client import PASSWORD, Client
from tests.support.waiting import PATIENCE
from vault.sessions import Session


@dataclass(frozen=True)
class Output:
    """What a program has written to its standard output and error so far."""

    file: Path
    process: "subprocess.Popen[bytes]"

    def text(self) -> str:
        return self.file.read_text(encoding="utf-8")

    def size(self) -> int:
        return self.file.stat().st_size

    def lines(self, after: int = 0) -> list[dict[str, Any]]:
        """Each line after this size, read as JSON. Fails if one is anything else."""
        with self.file.open("rb") as file:
            file.seek(after)
            return [json.loads(line) for line in file.read().decode().splitlines()]

    def wait_for(self, words: str) -> bool:
        """Whether the words came before the program ended and time was up."""
        return wait_until(lambda: words in self.text(), self.process, seconds=PATIENCE)


@dataclass(frozen=True)
class Web:
    port: int
    output: Output

    def raw(self, *parts: bytes) -> bytes:
        """Send these bytes. Return all that it answers until either side closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
            answer = b""
            # It may refuse before all is sent.
            with suppress(OSError):
                for part in parts:
                    connection.sendall(part)
                connection.shutdown(socket.SHUT_WR)
            with suppress(ConnectionError):
                while more := connection.recv(65536):
                    answer += more
            return answer


def environment_of_tests() -> dict[str, str]:
    """Our environment, with the database and the static files of this process of the suite."""
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
def started(command: Sequence[str], environment: dict[str, str], file: Path) -> Iterator[Output]:
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
        yield Output(file, process)
    finally:
        process.terminate()
        process.wait(PATIENCE)


@contextmanager
def committed_person(address: str, blocker: DjangoDbBlocker) -> Iterator[str]:
    """The session cookie of a person whom the web server can see.

    They are committed, so what they leave is deleted afterwards.
    """
    with blocker.unblock():
        cache.clear()
        client = Client()
        client.force_login(User.objects.create_user(address, PASSWORD))
        yield client.cookies[settings.SESSION_COOKIE_NAME].value
        User.objects.filter(email=address).delete()
        Session.objects.all().delete()
        cache.clear()
        # Opened outside any test, so no test closes them.
        connections.close_all()


@contextmanager
def web(file: Path, **more: str) -> Iterator[Web]:
    """Start gunicorn with these additional environment variables, its output in `file`."""
    port = free_port()
    environment = environment_of_tests() | {"GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{port}"} | more
    program = WEB.command.replace("--workers 2", "--workers 1").removeprefix("python ").split()
    with started([sys.executable, *program], environment, file) as output:
        server = Web(port, output)
        is_up = wait_until(lambda: _answers(server), output.process, seconds=PATIENCE)
        assert is_up, output.text()[-2000:]
        yield server


def _answers(server: Web) -> bool:
    with suppress(OSError):
        return b"HTTP/1.1 " in server.raw(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return False


@pytest.fixture(scope="session")
def web_server(
    tmp_path_factory: pytest.TempPathFactory, collected: None, django_db_setup: None
) -> Iterator[Web]:
    with web(tmp_path_factory.mktemp("web") / "log") as server:
        yield server


@pytest.fixture(scope="module")
def session_cookie(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """The session cookie of a person who is signed in at that server."""
    with committed_person("alice@example.org", django_db_blocker) as value:
        yield value
