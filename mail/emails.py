from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from mail.models import Message
from vault.key_ring import ring
from vault.primary_key_check import sealing_ring
from vault.sealing import pack, unpack

PAYLOAD = "mail.payload"


@dataclass(frozen=True)
class MailContent:
    """Subject and both bodies of one mail."""

    subject: str
    text: str
    html: str


def render(folder: str, **context: object) -> MailContent:
    """Render the three templates of this folder in the active language."""
    context["discreet_name"] = settings.DISCREET_NAME
    return MailContent(
        subject=render_to_string(f"{folder}/subject.txt", context).strip(),
        text=render_to_string(f"{folder}/body.txt", context).strip() + "\n",
        html=render_to_string(f"{folder}/body.html", context),
    )


def absolute_url(name: str, *args: object) -> str:
    """Return the absolute URL of one of our pages."""
    # Never from the request: a forged Host header would put another site into the mail.
    return f"{settings.SITE_URL}{reverse(name, args=args)}"


class OneLineMail(EmailMultiAlternatives):
    """A mail that folds no header, however long the host name is.

    Some receivers fail the signature check of a folded List-Unsubscribe header.
    """

    def message(self, *args: Any, **kwargs: Any) -> Any:
        message: Any = super().message(*args, **kwargs)
        message.policy = message.policy.clone(max_line_length=998)
        return message


def build(
    message: Message, *, to: str, content: MailContent, headers: Mapping[str, str] | None = None
) -> OneLineMail:
    """Build the mail of this row, text first. Each try has the same Message-ID."""
    mail = OneLineMail(
        subject=content.subject,
        body=content.text,
        to=[to],
        headers={
            "Message-ID": f"<{message.pk}@{settings.SITE.hostname}>",
            "Auto-Submitted": "auto-generated",
            **(headers or {}),
        },
    )
    mail.attach_alternative(content.html, "text/html")
    return mail


def seal_payload(message: Message, *, to: str, content: MailContent) -> bytes:
    """Seal address and content for the `payload` of this row. Raises CannotSeal."""
    return sealing_ring().seal(PAYLOAD, message.pk, pack({"to": to, **asdict(content)}))


def build_from_payload(message: Message) -> OneLineMail:
    """Build the mail that is sealed in this row. Raises CannotOpen."""
    contents = unpack(ring().open(PAYLOAD, message.pk, bytes(message.payload)))
    return build(message, to=contents.pop("to"), content=MailContent(**contents))
