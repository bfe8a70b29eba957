from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register


@register(Tags.security, deploy=True)
def leave_url_is_elsewhere(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """“Leave now” must end on another site, over https."""
    to = urlsplit(settings.LEAVE_URL)
    if to.scheme == "https" and to.hostname and to.hostname != settings.SITE.hostname:
        return []
    hint = "Set it to a page that everyone opens and that shows nothing personal."
    return [Error("LEAVE_URL must be an https address of another site.", hint, id="safety.E001")]
