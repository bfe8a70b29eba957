"""The question a container's health check asks."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from config.healthcheck import readyz
from local.servers import free_port


class Site(BaseHTTPRequestHandler):
    """Answers as a site called notes.example.org does: other names are not served."""

    def do_GET(self) -> None:
        asked = (self.path, self.headers["Host"])
        self.send_response(200 if asked == ("/readyz", "notes.example.org") else 400)
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


def test_the_site_is_asked_by_its_own_name(port: int) -> None:
    assert readyz(port, "https://notes.example.org") == 200
    assert readyz(port, "https://another.example.org") == 400


def test_nobody_answering_is_no_answer() -> None:
    assert readyz(free_port(), "https://notes.example.org") is None
