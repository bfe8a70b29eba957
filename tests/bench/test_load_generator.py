"""The load against a server of our own: what it sends, what it counts, what it keeps."""

import gzip
import http.server
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs

import psutil
import pytest

from bench import cpu_time, page_weight
from bench.load_generator import FRESH, OWN, TURN, Visit, ask, go, status_of

PAGE = b"""<link rel="preload" href="/a.woff2"><link rel="stylesheet" href="/a.css">
<script type="module" src="/a.js"></script><a href="https://elsewhere.example.org/">away</a>"""


class Handler(BaseHTTPRequestHandler):
    asked: list[tuple[str, str, dict[str, list[str]]]] = []

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(parse_qs(body.decode()))

    def _answer(self, form: dict[str, list[str]]) -> None:
        self.asked.append((self.path, self.headers["Cookie"], form))
        is_page = self.path == "/"
        body = gzip.compress(PAGE) if is_page else b"x" * 100
        self.send_response(404 if self.path == "/none/" else 200)
        self.send_header("Set-Cookie", "seen=now; Path=/")
        self.send_header("Content-Encoding", "gzip" if is_page else "identity")
        self.send_header("Cache-Control", "no-cache" if self.path == "/a.js" else "immutable")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing to say."""


@pytest.fixture
def port() -> Iterator[int]:
    Handler.asked = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_load_counts_answers_and_keeps_cookies(port: int) -> None:
    people = [{"n": "one"}, {"n": "two"}]
    result = go(Visit(port, "/page/", 200, people, at_once=2, seconds=30, most=6))

    assert (len(result.waits), result.wrong) == (6, [])
    assert result.told()["answers"] == 6
    cookies = {cookie for _, cookie, _ in Handler.asked}
    assert {"n=one", "n=two", "n=one; seen=now", "n=two; seen=now"} >= cookies
    assert people == [{"n": "one", "seen": "now"}, {"n": "two", "seen": "now"}]


def test_load_gives_each_form_an_id_of_its_own(port: int) -> None:
    form = {"id": FRESH, "body": "words"}
    go(Visit(port, "/write/", 200, [{}], seconds=30, most=3, form=form))

    sent = [form for _, _, form in Handler.asked]
    assert {words["body"][0] for words in sent} == {"words"}
    assert len({words["id"][0] for words in sent}) == 3


def test_load_knows_who_asks_and_how_often_they_have(port: int) -> None:
    """Whoever keeps a draft names its version: one more each time."""
    form = {"version": TURN, "body": f"{TURN} words"}
    go(Visit(port, f"/{OWN}/", 200, [{}], seconds=30, most=3, form=form))

    assert len({path for path, _, _ in Handler.asked}) == 1
    assert [form["version"][0] for _, _, form in Handler.asked] == ["0", "1", "2"]
    assert [form["body"][0] for _, _, form in Handler.asked] == ["0 words", "1 words", "2 words"]


def test_load_tells_of_an_answer_that_is_not_as_expected(port: int) -> None:
    result = go(Visit(port, "/none/", 200, [{}], seconds=30, most=1))

    assert (result.waits, result.wrong) == ([], ["/none/ answers 404"])
    assert status_of(b"") == 0


def test_first_visit_is_weighed_as_it_is_sent(port: int) -> None:
    page = len(gzip.compress(PAGE))

    assert page_weight.first_visit(port) == {
        "first_visit_bytes": page + 300,
        "first_visit_without_font_bytes": page + 200,
        "first_visit_files": 3,
        "first_visit_css_bytes": 100,
        "first_visit_js_bytes": 100,
    }


def test_later_page_asks_again_for_what_may_not_be_kept(port: int) -> None:
    assert page_weight.later_pages(port, ["/"], {}) == {
        "later_page_bytes": len(gzip.compress(PAGE)),
        "later_page_files": 2,
        "other_sites": 0,
    }


def test_processor_time_is_that_of_a_server_and_its_children() -> None:
    """Of a whole tree: what this process has used cannot be less later on."""
    server = [psutil.Process(os.getpid())]
    before = cpu_time.seconds(server)
    sum(range(2_000_000))

    assert cpu_time.seconds(server) >= before
    assert cpu_time.seconds([]) == 0


def test_page_is_read_however_it_is_sent(port: int) -> None:
    assert page_weight.words(page_weight.answer(port, "/", {})) == PAGE.decode()
    assert ask(port, "/page/", {}).endswith(b"x" * 100)
