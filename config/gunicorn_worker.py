"""Gunicorn's worker process, named by gunicorn.conf.py (ADR 28).

Gunicorn's gthread gives each client a thread from the first byte of its request to the last one of
the answer: a few clients that send or read slowly keep everybody out. This one has many threads for
clients, who may be slow, and as many for Django as `--threads` says.
"""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from gunicorn.util import close_graceful
from gunicorn.workers.gthread import ThreadWorker

from config.reserved_threads import ReservedThreads

# In each process.
MAX_CLIENTS = 100
# How long a client may take, in seconds: for a whole letter on the slowest of connections.
CLIENT_TIMEOUT = 90


class Worker(ThreadWorker):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The sockets that threads are busy with, and since when.
        self.clients: dict[socket.socket, float] = {}

    def get_thread_pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(MAX_CLIENTS, "client")

    def load_wsgi(self) -> None:
        self.wsgi = ReservedThreads(self.app.wsgi(), threads=self.cfg.threads)

    def handle(self, conn: Any) -> Any:
        """Serve one request, in the thread of its client."""
        self.clients[conn.sock] = time.monotonic()
        try:
            reuse = super().handle(conn)
            if not reuse:
                finish(conn.sock)
            return reuse
        finally:
            del self.clients[conn.sock]

    def notify(self) -> None:
        """Disconnect clients that take too long. The main loop calls this at least every second."""
        super().notify()
        now = time.monotonic()
        for client, since in self.clients.copy().items():
            if now - since > CLIENT_TIMEOUT:
                # Its thread, which reads or writes, gets an error.
                with suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)


def finish(client: socket.socket) -> None:
    """Wait until a client has read everything.

    Otherwise gthread waits for it in its main loop, up to two seconds for each client, and accepts
    no others meanwhile.
    """
    with suppress(OSError):
        close_graceful(client.dup())
        client.shutdown(socket.SHUT_RD)
