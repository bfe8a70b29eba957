"""A container's health check: `python -m config.healthcheck [port]` exits 0 if /readyz is 200."""

import contextlib
import http.client
import sys


def readyz(port: int) -> int | None:
    """Return the status of /readyz, or None without an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with contextlib.closing(connection):
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    sys.exit(0 if readyz(port) == http.client.OK else 1)
