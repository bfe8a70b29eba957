"""The load generator, against a server of the test: what it sends, counts and keeps."""

import gzip
import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs

import psutil
import pytest

from bench import page_weight
from bench.cpu_time import cpu_seconds
from bench.load_generator import (
    CLIENT_UUID,
    NEW_UUID,
    REQUEST_NUMBER,
    Visit,
    request,
    run,
    status_of,
)

PAGE = b"""<link rel="preload" href="/a.woff2"><link rel="stylesheet" href="/a.css">
<link rel="apple-touch-icon" href="/for-home-screens.png">
<script type="module" src="/a.js"></script><a href="https://elsewhere.example.org/">away</a>"""

# Uses a quarter of a second of CPU time, says so, and waits to be ended.
BUSY = """
import signal, time
while time.process_time() < 0.25:
    pass
print(".", flush=True)
signal.pause()
"""


class Handler(BaseHTTPRequestHandler):
    requests: list[tuple[str, str, dict[str, list[str]]]] = []

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(parse_qs(body.decode()))

    def _answer(self, form: dict[str, list[str]]) -> None:
        self.requests.append((self.path, self.headers["Cookie"], form))
        is_page = self.path == "/"
        body = gzip.compress(PAGE) if is_page else b"x" * 100
        self.send_response(404 if self.path == "/none/" else 200)
        self.send_header("Set-Cookie", "seen=now; Path=/")
        self.send_header("Content-Encoding", "gzip" if is_page else "identity")
        self.send_header("Cache-Control", "no-cache" if self.path == "/a.js" else "immutable")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    Handler.requests = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_load_counts_answers_and_keeps_cookies(port: int) -> None:
    jars = [{"n": "one"}, {"n": "two"}]
    result = run(Visit(port, "/page/", 200, jars, clients=2, seconds=30, max_requests=6))

    assert (len(result.latencies), result.errors) == (6, [])
    assert result.summary()["answers"] == 6
    cookies = {cookie for _, cookie, _ in Handler.requests}
    assert {"n=one", "n=two", "n=one; seen=now", "n=two; seen=now"} >= cookies
    assert jars == [{"n": "one", "seen": "now"}, {"n": "two", "seen": "now"}]


def test_load_fills_in_a_new_id_for_each_form(port: int) -> None:
    form = {"id": NEW_UUID, "body": "words"}
    run(Visit(port, "/write/", 200, [{}], seconds=30, max_requests=3, form=form))

    sent = [form for _, _, form in Handler.requests]
    assert {words["body"][0] for words in sent} == {"words"}
    assert len({words["id"][0] for words in sent}) == 3


def test_load_fills_in_the_client_and_its_number_of_requests(port: int) -> None:
    """A draft is saved with the version of the save before: one more each time."""
    form = {"version": REQUEST_NUMBER, "body": f"{REQUEST_NUMBER} words"}
    run(Visit(port, f"/{CLIENT_UUID}/", 200, [{}], seconds=30, max_requests=3, form=form))

    assert len({path for path, _, _ in Handler.requests}) == 1
    assert [form["version"][0] for _, _, form in Handler.requests] == ["0", "1", "2"]
    assert [form["body"][0] for _, _, form in Handler.requests] == ["0 words", "1 words", "2 words"]


def test_load_reports_an_unexpected_status(port: int) -> None:
    result = run(Visit(port, "/none/", 200, [{}], seconds=30, max_requests=1))

    assert (result.latencies, result.errors) == ([], ["/none/ answers 404"])
    assert status_of(b"") == 0


def test_first_visit_is_measured_as_it_is_sent(port: int) -> None:
    page = len(gzip.compress(PAGE))

    assert page_weight.first_visit(port) == {
        "first_visit_bytes": page + 300,
        "first_visit_without_font_bytes": page + 200,
        "first_visit_files": 3,
        "first_visit_css_bytes": 100,
        "first_visit_js_bytes": 100,
    }


def test_later_page_requests_again_what_is_not_immutable(port: int) -> None:
    assert page_weight.later_pages(port, ["/"], {}) == {
        "later_page_bytes": len(gzip.compress(PAGE)),
        "later_page_files": 2,
        "other_sites": 0,
    }


def test_cpu_time_is_that_of_a_server_and_its_children() -> None:
    """A child counts, and when it has ended, with its parent: the time never goes down."""
    server = psutil.Process(os.getpid())
    before = cpu_seconds(server)
    child = subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE)
    with child:
        assert child.stdout
        child.stdout.read(1)
        during = cpu_seconds(server)
        child.terminate()

    assert before + 0.1 < during <= cpu_seconds(server)


def test_page_is_read_compressed_or_not(port: int) -> None:
    assert page_weight.text_of(page_weight.fetch(port, "/", {})) == PAGE.decode()
    assert request(port, "/page/", {}).endswith(b"x" * 100)
