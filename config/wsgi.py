import os
import re
from collections.abc import Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django_application = get_wsgi_application()

# The server starts with a guide it can read and keys it can use, or not at all.
from healing.guide import guide  # noqa: E402
from vault.sealing import ring  # noqa: E402

guide()
ring()

CHARSET = re.compile(r";\s*charset\s*=[^;]*", re.IGNORECASE)


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Django reads the query in whatever encoding a request claims, before any middleware could
    object, and fails on some. Pages here are UTF-8, and so is what browsers send back."""
    environ["CONTENT_TYPE"] = CHARSET.sub("", environ.get("CONTENT_TYPE", ""))
    return django_application(environ, start_response)
