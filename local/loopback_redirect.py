"""The site as `./dev run` serves it: http://127.0.0.1/ and http://[::1]/ redirect to SITE_URL.

Cookies and passkeys belong to one host name, so the site itself answers to `localhost` only. Health
checks are answered at every address.
"""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.utils.encoding import iri_to_uri

from config.wsgi import application as site

HEALTH_CHECKS = {"/healthz", "/readyz"}
LOOPBACK_HOST = re.compile(r"(127\.0\.0\.1|\[::1\])(:\d+)?")


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    if (
        settings.SITE.hostname != "localhost"
        or environ["REQUEST_METHOD"] not in {"GET", "HEAD"}
        or environ.get("PATH_INFO") in HEALTH_CHECKS
        or not LOOPBACK_HOST.fullmatch(environ.get("HTTP_HOST", ""))
    ):
        return site(environ, start_response)
    headers = [("Location", _address(environ)), ("Content-Length", "0")]
    start_response("307 Temporary Redirect", headers)
    return []


def _address(environ: dict[str, Any]) -> str:
    """Return the same path and query at SITE_URL, never at another host."""
    path = quote(environ.get("PATH_INFO", "").removeprefix("/"), encoding="latin-1")
    query = iri_to_uri(environ.get("QUERY_STRING", ""))
    return f"{settings.SITE_URL}/{path}{'?' if query else ''}{query}"
