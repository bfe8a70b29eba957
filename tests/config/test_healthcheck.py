"""The health check of a container."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from config.healthcheck import readyz
from local.servers import free_port


class Site(BaseHTTPRequestHandler):
    """Serve /readyz to the Host notes.example.org only."""

    def do_GET(self) -> None:
        target = (self.path, self.headers["Host"])
        self.send_response(200 if target == ("/readyz", "notes.example.org") else 400)
        self.end_headers()

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_request_names_the_host_of_the_site(port: int) -> None:
    assert readyz(port, "https://notes.example.org") == 200
    assert readyz(port, "https://another.example.org") == 400


def test_refused_connection_is_none() -> None:
    assert readyz(free_port(), "https://notes.example.org") is None
