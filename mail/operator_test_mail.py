"""Send one mail at once, past the outbox, through the same relay as all other mail."""

from django.conf import settings

from mail.emails import build, render
from mail.models import Message
from mail.relay import Relay
from mail.smtp_diagnosis import explain


class NotSent(Exception):
    """The mail was not accepted. The message explains what happened and what to check."""


def send(to: str) -> None:
    """Hand one mail to the relay. Raises NotSent."""
    relay = Relay()
    try:
        mail = build(Message(), to=to, content=render("mail/operator_test_mail"))
        relay.open()
        relay.send_messages([mail])
    except (OSError, ValueError) as error:
        raise NotSent(" ".join(explain(error))) from error
    finally:
        relay.disconnect()


def uses_tls() -> bool:
    return bool(settings.EMAIL_USE_TLS or settings.EMAIL_USE_SSL)
