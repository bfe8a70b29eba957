"""Explain to an operator why the relay did not take a mail.

The relay's replies are shown, because the operator has to fix the cause; our credentials never are,
though a reply may repeat them.
"""

import smtplib
import ssl
from socket import gaierror

from django.conf import settings

from mail.relay import relay_address


def explain(error: Exception) -> tuple[str, str]:
    """Return two sentences: what happened, and what to check."""
    match error:
        case smtplib.SMTPException():
            return _explain_smtp(error)
        case ssl.SSLError():
            return _explain_tls(error)
        case gaierror():
            return f"The name “{settings.EMAIL_HOST}” leads nowhere.", "Look at EMAIL_HOST."
        case TimeoutError():
            return _explain_timeout()
        case ConnectionRefusedError():
            return f"Nobody takes mail at {relay_address()}.", "Look at EMAIL_HOST and EMAIL_PORT."
        case UnicodeError():
            return (
                "A name, a password or an address holds a sign that mail cannot carry.",
                "Look at EMAIL_HOST_USER, EMAIL_HOST_PASSWORD and DEFAULT_FROM_EMAIL.",
            )
        case ValueError():
            return "A mail cannot be put together.", "Look at DEFAULT_FROM_EMAIL."
    return (
        f"The way to {relay_address()} is closed ({type(error).__name__}).",
        "Look at this server’s network and firewall.",
    )


def _explain_timeout() -> tuple[str, str]:
    return (
        f"{relay_address()} did not answer within {settings.EMAIL_TIMEOUT} seconds.",
        "Look at EMAIL_PORT, and whether your firewall or your provider closes it: many close 25,"
        " 465 and 587 until asked. Port 465 wants EMAIL_USE_SSL=true.",
    )


def _explain_tls(error: ssl.SSLError) -> tuple[str, str]:
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"The certificate of {relay_address()} does not hold: {error.verify_message}.",
            "Say in EMAIL_HOST the name that stands in it, and look at this server’s clock.",
        )
    return (
        f"{relay_address()} does not speak TLS in the way it was spoken to.",
        "Port 587 wants EMAIL_USE_TLS=true, port 465 wants EMAIL_USE_SSL=true; not both.",
    )


def _explain_smtp(error: smtplib.SMTPException) -> tuple[str, str]:
    match error:
        case smtplib.SMTPAuthenticationError():
            # The reply may repeat our credentials, so it is not quoted.
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
                f"The relay refuses the sender. {_quote(error.smtp_code, error.smtp_error)}",
                "Look at DEFAULT_FROM_EMAIL: the relay has to know this address or its domain.",
            )
        case smtplib.SMTPRecipientsRefused():
            code, reply = next(iter(error.recipients.values()))
            return (
                f"The relay refuses the address this goes to. {_quote(code, reply)}",
                "Is it spelled right? If so, the relay may want us to sign in: EMAIL_HOST_USER.",
            )
        case smtplib.SMTPResponseException():
            return (
                f"The relay refuses this mail. {_quote(error.smtp_code, error.smtp_error)}",
                "Its sentence says why; its own log may say more.",
            )
    # smtplib raises the same error for a timeout and for a closed connection.
    if isinstance(error.__context__, TimeoutError):
        return _explain_timeout()
    return (
        f"{relay_address()} hung up ({type(error).__name__}).",
        "Port 465 wants EMAIL_USE_SSL=true. Otherwise the relay’s own log says why.",
    )


def _quote(code: int, reply: bytes | str) -> str:
    text = reply if isinstance(reply, str) else reply.decode("utf-8", "replace")
    if settings.EMAIL_HOST_PASSWORD:
        text = text.replace(settings.EMAIL_HOST_PASSWORD, "…")
    return f"It says: {code} {' '.join(text.split())}"
