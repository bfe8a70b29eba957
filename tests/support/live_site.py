"""The application on a port of this process, and the neutral page that leaving leads to."""

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

from tests.support.waiting import PATIENCE

NEUTRAL = "Fair, with some cloud."


class Gate:
    """Hold requests to one address until the gate is opened."""

    def __init__(self) -> None:
        self.address = ""
        self.arrived, self._opened = Event(), Event()

    def hold(self, address: str) -> None:
        self.address = address

    def open(self) -> None:
        self._opened.set()

    def pass_through(self, address: str) -> None:
        if address == self.address:
            self.arrived.set()
            self._opened.wait(PATIENCE)


class NeutralPage(BaseHTTPRequestHandler):
    """Another site's page. It notes which referrer each request named."""

    referrers: list[str | None] = []
    gate = Gate()

    def do_GET(self) -> None:
        self.gate.pass_through(self.path)
        self.referrers.append(self.headers.get("Referer"))
        body = f"<!doctype html><title>Weather</title><link rel=icon href=data:,><p>{NEUTRAL}"
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(ThreadedWSGIServer):
    """Stop completely: close connections that browsers keep alive, then wait for every request.

    A request that outlived its test would write rows into the next one.
    """

    daemon_threads = False

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options | {"allow_reuse_address": True})
        self.connections: list[socket] = []

    def serve_forever(self, poll_interval: float = 0.02) -> None:
        # Stopping takes up to one interval, and each test stops its site.
        super().serve_forever(poll_interval)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.append(request)
        super().process_request(request, client_address)

    def server_close(self) -> None:
        for connection in self.connections:
            try:
                connection.shutdown(SHUT_RDWR)
            except OSError:
                continue  # The browser has closed it.
        super().server_close()


class _Thread(LiveServerThread):
    server_class = _Server


class Site:
    """The whole application on a port, which serves its own static files as in production."""

    def __init__(self) -> None:
        # Before a request reaches the application, and before its response is sent.
        self.request_gate, self.response_gate = Gate(), Gate()
        # The paths of requests that were handled, in their order.
        self.handled: Queue[str] = Queue()
        self._port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://localhost:{self._port}"

    def start(self) -> None:
        """Listen; after `stop`, on the same port again."""
        self._thread = _Thread(
            "localhost", self._application, connections_override={}, port=self._port
        )
        self._thread.daemon = True
        self._thread.start()
        self._thread.is_ready.wait()
        if self._thread.error:
            raise self._thread.error
        self._port = self._thread.port

    def stop(self) -> None:
        self._thread.terminate()

    def _application(self, static_handler: WSGIHandler) -> Callable[..., Iterable[bytes]]:
        # In place of Django's own handler, which would serve static files that are not collected.
        application = get_wsgi_application()

        def through_gates(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            self.request_gate.pass_through(environ["PATH_INFO"])
            response = application(environ, start_response)
            self.handled.put(environ["PATH_INFO"])
            self.response_gate.pass_through(environ["PATH_INFO"])
            return response

        return through_gates

    def wait_for(self, address: str) -> None:
        """Wait until a request was handled whose path ends like this."""
        while not self.handled.get(timeout=PATIENCE).endswith(address):
            pass
