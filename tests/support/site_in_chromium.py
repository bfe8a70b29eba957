"""A browser that holds pages for Back, the site in front of it, and the page it flees to."""

from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler
from queue import Queue
from socket import SHUT_RDWR, socket
from threading import Event
from typing import Any

from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer
from django.core.wsgi import get_wsgi_application
from django.test.testcases import LiveServerThread
from playwright.sync_api import Page, expect

NEUTRAL = "Fair, with some cloud."
# No test waits for as long as this, unless it fails.
PATIENCE = 20
expect.set_options(timeout=PATIENCE * 1000)

NewPage = Callable[..., Page]


class Gate:
    """Holds whoever comes to one address, until it is opened."""

    def __init__(self) -> None:
        self.address = ""
        self.arrived, self._opened = Event(), Event()

    def hold(self, address: str) -> None:
        self.address = address

    def open(self) -> None:
        self._opened.set()

    def pass_by(self, address: str) -> None:
        if address == self.address:
            self.arrived.set()
            self._opened.wait(PATIENCE)


class Weather(BaseHTTPRequestHandler):
    """The neutral page: another site, which notes who was said to have sent the visitor."""

    referrers: list[str | None] = []
    gate = Gate()

    def do_GET(self) -> None:
        self.gate.pass_by(self.path)
        self.referrers.append(self.headers.get("Referer"))
        body = f"<!doctype html><title>Weather</title><link rel=icon href=data:,><p>{NEUTRAL}"
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(ThreadedWSGIServer):
    """Ends for real: also the connections that browsers keep open for later."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options | {"allow_reuse_address": True})
        self.open: list[socket] = []

    def process_request(self, request: Any, client_address: Any) -> None:
        self.open.append(request)
        super().process_request(request, client_address)

    def server_close(self) -> None:
        for connection in self.open:
            try:
                connection.shutdown(SHUT_RDWR)
            except OSError:
                continue  # The browser was quicker.
        super().server_close()


class _Thread(LiveServerThread):
    server_class = _Server


class Site:
    """The whole application on a port, its files served by itself, as in production."""

    def __init__(self) -> None:
        # On the way here, and on the way back.
        self.gate, self.way_back = Gate(), Gate()
        # Where requests went that were dealt with, in their order.
        self.answered: Queue[str] = Queue()
        self._port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://localhost:{self._port}"

    def start(self) -> None:
        self._thread = _Thread("localhost", self._ours, connections_override={}, port=self._port)
        self._thread.daemon = True
        self._thread.start()
        self._thread.is_ready.wait()
        if self._thread.error:
            raise self._thread.error
        self._port = self._thread.port

    def stop(self) -> None:
        self._thread.terminate()

    def _ours(self, django_s_own: WSGIHandler) -> Callable[..., Iterable[bytes]]:
        application = get_wsgi_application()

        def held(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            self.gate.pass_by(environ["PATH_INFO"])
            answer = application(environ, start_response)
            self.answered.put(environ["PATH_INFO"])
            self.way_back.pass_by(environ["PATH_INFO"])
            return answer

        return held

    def wait_for(self, address: str) -> None:
        """Until something that was sent to an address with this end has been dealt with."""
        while not self.answered.get(timeout=PATIENCE).endswith(address):
            pass
