import os
import re
from collections.abc import Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

from config.preallocated_frames import with_frame_memory

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django_application = get_wsgi_application()

# Fail at the start, not in a request, if the guide or the master keys are unusable.
from healing.guide import guide  # noqa: E402
from vault.key_ring import ring  # noqa: E402

guide()
ring()

CHARSET = re.compile(r";\s*charset\s*=[^;]*", re.IGNORECASE)
# In bytes: what gunicorn takes in one header line, which is where browsers send all of them.
MAX_COOKIES = 8190


@with_frame_memory
def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Drop what Django would stumble over before any middleware runs.

    It decodes the query string with the charset that a request claims, and some charsets raise.
    Browsers post our forms in UTF-8.
    """
    environ["CONTENT_TYPE"] = CHARSET.sub("", environ.get("CONTENT_TYPE", ""))
    environ["HTTP_COOKIE"] = _cookies(environ.get("HTTP_COOKIE", ""))
    return django_application(environ, start_response)


def _cookies(sent: str) -> str:
    """Return cookies that are parsed in linear time. None of ours has a backslash.

    In Python 3.11, `http.cookies` searches the rest of a quoted cookie again for each escape.
    """
    return sent.replace("\\", "") if len(sent) <= MAX_COOKIES else ""
