"""Whether the web server can serve, asked from beside it: `python -m config.healthcheck [port]`."""

import contextlib
import http.client
import os
import sys
from urllib.parse import urlsplit


def readyz(port: int, site_url: str) -> int | None:
    """The status of /readyz, or nothing where nobody answers. Only the site’s own name works."""
    host = urlsplit(site_url).netloc
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as web:
        try:
            web.request("GET", "/readyz", headers={"Host": host})
            return web.getresponse().status
        except (OSError, http.client.HTTPException):
            return None


if __name__ == "__main__":
    asked = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    answer = readyz(asked, os.environ.get("SITE_URL", "http://localhost"))
    sys.exit(0 if answer == http.client.OK else 1)
