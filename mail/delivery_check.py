"""One mail sent at once and outside the outbox, and what it means when that fails.

It goes through the same relay, with the same settings, as every other mail. The relay's own
sentences are shown, since whoever asks has to mend this; what it is told to sign us in is not.
"""

import smtplib
import ssl
from socket import gaierror

from django.conf import settings

from mail.emails import build, words
from mail.models import Message
from mail.relay import Relay


class NotSent(Exception):
    """It did not leave. The words say what happened, and what to look at."""


def send(to: str) -> None:
    """Hand one mail to the relay. Raises NotSent."""
    relay = Relay()
    try:
        mail = build(Message(), to=to, words=words("mail/trial"))
        relay.open()
        relay.send_messages([mail])
    except (OSError, ValueError) as error:
        raise NotSent(" ".join(_said(error))) from error
    finally:
        relay.drop()


def place() -> str:
    return f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"


def secured() -> bool:
    return bool(settings.EMAIL_USE_TLS or settings.EMAIL_USE_SSL)


def _said(error: Exception) -> tuple[str, str]:
    """(what happened, what to look at)."""
    match error:
        case smtplib.SMTPException():
            return _by_the_relay(error)
        case ssl.SSLError():
            return _by_tls(error)
        case gaierror():
            return f"The name “{settings.EMAIL_HOST}” leads nowhere.", "Look at EMAIL_HOST."
        case TimeoutError():
            return _by_silence()
        case ConnectionRefusedError():
            return f"Nobody takes mail at {place()}.", "Look at EMAIL_HOST and EMAIL_PORT."
        case UnicodeError():
            return (
                "A name, a password or an address holds a sign that mail cannot carry.",
                "Look at EMAIL_HOST_USER, EMAIL_HOST_PASSWORD and DEFAULT_FROM_EMAIL.",
            )
        case ValueError():
            return "A mail cannot be put together.", "Look at DEFAULT_FROM_EMAIL."
    return (
        f"The way to {place()} is closed ({type(error).__name__}).",
        "Look at this server’s network and firewall.",
    )


def _by_silence() -> tuple[str, str]:
    return (
        f"{place()} did not answer within {settings.EMAIL_TIMEOUT} seconds.",
        "Look at EMAIL_PORT, and whether your firewall or your provider closes it: many close 25,"
        " 465 and 587 until asked. Port 465 wants EMAIL_USE_SSL=true.",
    )


def _by_tls(error: ssl.SSLError) -> tuple[str, str]:
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"The certificate of {place()} does not hold: {error.verify_message}.",
            "Say in EMAIL_HOST the name that stands in it, and look at this server’s clock.",
        )
    return (
        f"{place()} does not speak TLS in the way it was spoken to.",
        "Port 587 wants EMAIL_USE_TLS=true, port 465 wants EMAIL_USE_SSL=true; not both.",
    )


def _by_the_relay(error: smtplib.SMTPException) -> tuple[str, str]:
    match error:
        case smtplib.SMTPAuthenticationError():
            # Its sentence may repeat what we said to sign in.
            return (
                f"The relay does not let us in ({error.smtp_code}).",
                "Look at EMAIL_HOST_USER and EMAIL_HOST_PASSWORD.",
            )
        case smtplib.SMTPNotSupportedError():
            return (
                f"The relay cannot do what it was asked for: {error}",
                "Look at EMAIL_USE_TLS, and whether EMAIL_HOST_USER is wanted on this port.",
            )
        case smtplib.SMTPSenderRefused():
            return (
                f"The relay refuses the sender. {_answer(error.smtp_code, error.smtp_error)}",
                "Look at DEFAULT_FROM_EMAIL: the relay has to know this address or its domain.",
            )
        case smtplib.SMTPRecipientsRefused():
            code, reply = next(iter(error.recipients.values()))
            return (
                f"The relay refuses the address this goes to. {_answer(code, reply)}",
                "Is it spelled right? If so, the relay may want us to sign in: EMAIL_HOST_USER.",
            )
        case smtplib.SMTPResponseException():
            return (
                f"The relay refuses this mail. {_answer(error.smtp_code, error.smtp_error)}",
                "Its sentence says why; its own log may say more.",
            )
    # The library makes one error of both.
    if isinstance(error.__context__, TimeoutError):
        return _by_silence()
    return (
        f"{place()} hung up ({type(error).__name__}).",
        "Port 465 wants EMAIL_USE_SSL=true. Otherwise the relay’s own log says why.",
    )


def _answer(code: int, reply: bytes | str) -> str:
    text = reply if isinstance(reply, str) else reply.decode("utf-8", "replace")
    if settings.EMAIL_HOST_PASSWORD:
        text = text.replace(settings.EMAIL_HOST_PASSWORD, "…")
    return f"It says: {code} {' '.join(text.split())}"
