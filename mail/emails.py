from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from mail.models import Message
from vault.sealing import ring, unpack

PAYLOAD = "mail.payload"


class Mail(EmailMultiAlternatives):
    """A mail whose headers stay on one line each, however long the host's name is.

    A folded List-Unsubscribe header breaks the signature check of some receivers.
    """

    def message(self) -> Any:  # type: ignore[override]
        message: Any = super().message()
        message.policy = message.policy.clone(max_line_length=998)
        return message


def build(
    message: Message,
    *,
    to: str,
    subject: str,
    text: str,
    html: str,
    headers: Mapping[str, str] | None = None,
) -> Mail:
    """Text first, HTML second; the same Message-ID however often it is tried."""
    mail = Mail(
        subject=subject,
        body=text,
        to=[to],
        headers={
            "Message-ID": f"<{message.pk}@{settings.SITE.hostname}>",
            "Auto-Submitted": "auto-generated",
            **(headers or {}),
        },
    )
    mail.attach_alternative(html, "text/html")
    return mail


def ready_made(message: Message) -> Mail:
    """The mail that was sealed into the row. Raises CannotOpen."""
    contents = unpack(ring().open(PAYLOAD, message.pk, bytes(message.payload)))
    return build(message, **contents)
