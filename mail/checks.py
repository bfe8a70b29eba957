from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register


@register(Tags.security, deploy=True)
def mail_leaves_this_machine(**kwargs: Any) -> list[CheckMessage]:
    if not settings.MAIL_CATCHER:
        return []
    return [
        Error(
            "MAIL_CATCHER is set: anyone could read every mail at /dev/inbox/.",
            hint="Remove MAIL_CATCHER from the environment of a server.",
            id="mail.E001",
        )
    ]
