from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from mail.models import Message
from vault.sealing import pack, ring, unpack

PAYLOAD = "mail.payload"


@dataclass(frozen=True)
class Words:
    """What one mail says."""

    subject: str
    text: str
    html: str


def words(folder: str, **context: object) -> Words:
    """The three parts that lie in this folder of templates, in the language that is active."""
    context["discreet_name"] = settings.DISCREET_NAME
    return Words(
        subject=render_to_string(f"{folder}/subject.txt", context).strip(),
        text=render_to_string(f"{folder}/body.txt", context).strip() + "\n",
        html=render_to_string(f"{folder}/body.html", context),
    )


def link(name: str, *args: object) -> str:
    """The whole address of one of our pages, as it stands in a mail."""
    # Never from the request: a forged Host header must not end up in anyone's mailbox.
    return f"{settings.SITE_URL}{reverse(name, args=args)}"


class OneLineMail(EmailMultiAlternatives):
    """A mail whose headers stay on one line each, however long the host's name is.

    A folded List-Unsubscribe header breaks the signature check of some receivers.
    """

    def message(self) -> Any:  # type: ignore[override]
        message: Any = super().message()
        message.policy = message.policy.clone(max_line_length=998)
        return message


def build(
    message: Message, *, to: str, words: Words, headers: Mapping[str, str] | None = None
) -> OneLineMail:
    """Text first, HTML second; the same Message-ID however often it is tried."""
    mail = OneLineMail(
        subject=words.subject,
        body=words.text,
        to=[to],
        headers={
            "Message-ID": f"<{message.pk}@{settings.SITE.hostname}>",
            "Auto-Submitted": "auto-generated",
            **(headers or {}),
        },
    )
    mail.attach_alternative(words.html, "text/html")
    return mail


def sealed(message: Message, *, to: str, words: Words) -> bytes:
    """What the row of a ready-made mail carries until it is over."""
    return ring().seal(PAYLOAD, message.pk, pack({"to": to, **asdict(words)}))


def ready_made(message: Message) -> OneLineMail:
    """The mail that was sealed into the row. Raises CannotOpen."""
    contents = unpack(ring().open(PAYLOAD, message.pk, bytes(message.payload)))
    return build(message, to=contents.pop("to"), words=Words(**contents))
