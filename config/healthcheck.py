"""A container's health check: `python -m config.healthcheck [port]` exits 0 if /readyz is 200."""

import contextlib
import http.client
import os
import sys
from urllib.parse import urlsplit


def readyz(port: int, site_url: str) -> int | None:
    """Return the status of /readyz, or None without an answer. Host must be allowed."""
    host = urlsplit(site_url).netloc
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with contextlib.closing(connection):
        try:
            connection.request("GET", "/readyz", headers={"Host": host})
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    status = readyz(port, os.environ.get("SITE_URL", "http://localhost"))
    sys.exit(0 if status == http.client.OK else 1)
