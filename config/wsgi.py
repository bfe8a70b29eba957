import os
import re
from collections.abc import Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django_application = get_wsgi_application()

# Fail at the start, not in a request, if the guide or the master keys are unusable.
from healing.guide import guide  # noqa: E402
from vault.key_ring import ring  # noqa: E402

guide()
ring()

CHARSET = re.compile(r";\s*charset\s*=[^;]*", re.IGNORECASE)


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Drop the charset that a request claims.

    Django decodes the query string with it before any middleware runs, and some charsets raise.
    Browsers post our forms in UTF-8.
    """
    environ["CONTENT_TYPE"] = CHARSET.sub("", environ.get("CONTENT_TYPE", ""))
    return django_application(environ, start_response)
