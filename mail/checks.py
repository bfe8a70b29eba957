import re
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning

# This machine: nobody listens in between.
LOOPBACK = re.compile(r"localhost|127(\.\d+){3}|::1")


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


@register(Tags.security, deploy=True)
def password_is_encrypted(**kwargs: Any) -> list[CheckMessage]:
    is_encrypted = settings.EMAIL_USE_TLS or settings.EMAIL_USE_SSL
    is_near = LOOPBACK.fullmatch(settings.EMAIL_HOST)
    if is_encrypted or is_near or not settings.EMAIL_HOST_PASSWORD:
        return []
    return [
        Error(
            "EMAIL_HOST_PASSWORD would go to the relay without encryption, and every code too.",
            hint="Write EMAIL_USE_TLS=true with EMAIL_PORT=587, or EMAIL_USE_SSL=true with 465.",
            id="mail.E003",
        )
    ]


@register(Tags.security, deploy=True)
def user_and_password_are_both_set(**kwargs: Any) -> list[CheckMessage]:
    """Django signs in only with both, and says nothing if one is missing."""
    names = ("EMAIL_HOST_USER", "EMAIL_HOST_PASSWORD")
    unset = [name for name in names if not getattr(settings, name)]
    if len(unset) != 1:
        return []
    return [
        CheckWarning(
            f"{unset[0]} is empty, so we do not sign in at the relay.",
            hint=f"Write both {names[0]} and {names[1]}, or neither.",
            id="mail.W001",
        )
    ]
