from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register


@register
def tls_and_ssl_are_not_both_set(**kwargs: Any) -> list[CheckMessage]:
    if not (settings.EMAIL_USE_TLS and settings.EMAIL_USE_SSL):
        return []
    return [
        Error(
            "EMAIL_USE_TLS and EMAIL_USE_SSL are both set.",
            hint="Keep EMAIL_USE_TLS for port 587, or EMAIL_USE_SSL for port 465.",
            id="mail.E002",
        )
    ]


@register(Tags.security, deploy=True)
def mail_is_not_caught(**kwargs: Any) -> list[CheckMessage]:
    if not settings.MAIL_CATCHER:
        return []
    return [
        Error(
            "MAIL_CATCHER is set: anyone could read every mail at /dev/inbox/.",
            hint="Remove MAIL_CATCHER from the environment of a server.",
            id="mail.E001",
        )
    ]
