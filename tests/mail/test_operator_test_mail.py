"""The mail of `send_test_mail`, and how its failures are explained."""

import socket
import ssl
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from local.servers import free_port
from mail.models import Message
from mail.operator_test_mail import NotSent, send
from mail.smtp_diagnosis import explain
from tests.support import smtp
from tests.support.accounts import CANNOT_BE_WRITTEN, READ_AS_ANOTHER
from tests.support.smtp import Sink

TO = "olga@example.org"
SECRET = "a password of the relay"


@pytest.fixture
def silent(settings: Settings) -> Iterator[socket.socket]:
    """A server that accepts connections and sends nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        settings.EMAIL_HOST, settings.EMAIL_PORT = listener.getsockname()
        settings.EMAIL_TIMEOUT = 0.2
        yield listener


@pytest.fixture
def self_signed(tmp_path: Path) -> ssl.SSLContext:
    """A TLS context with a certificate that no authority has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    began = timezone.now() - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(began)
        .not_valid_after(began + timedelta(days=2))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    form = serialization.PrivateFormat.PKCS8
    file = tmp_path / "pem"
    file.write_bytes(
        key.private_bytes(pem, form, serialization.NoEncryption()) + certificate.public_bytes(pem)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def refuse_login(*args: Any) -> AuthResult:
    return AuthResult(success=False, handled=False)


WITH_PASSWORD = {
    "authenticator": refuse_login,
    "auth_require_tls": False,
}


def failure(to: str = TO) -> str:
    with pytest.raises(NotSent) as caught:
        send(to)
    return str(caught.value)


def test_mail_arrives_and_no_row_is_saved(
    sink: Sink, db: None, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.DEFAULT_FROM_EMAIL = "Notes <notes@example.org>"

    call_command("send_test_mail", TO)

    [mail] = sink.mails
    assert (mail["To"], mail["From"], mail["Subject"]) == (
        TO,
        "Notes <notes@example.org>",
        "A test",
    )
    assert mail["Auto-Submitted"] == "auto-generated"
    assert not Message.objects.exists()
    message = capsys.readouterr().out
    assert (
        f"127.0.0.1:{sink.port} has taken a mail from Notes <notes@example.org> to {TO}." in message
    )
    assert "It went in the clear" in message


def test_command_reports_that_mail_is_caught(
    sink: Sink, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.MAIL_CATCHER = "mail"

    call_command("send_test_mail", TO)

    assert "/dev/inbox/" in capsys.readouterr().out


def test_command_fails_if_the_mail_was_not_accepted(sink: Sink) -> None:
    sink.answer = "554 5.7.1 not from you"

    with pytest.raises(CommandError, match="Not sent"):
        call_command("send_test_mail", TO)


@pytest.mark.parametrize(
    "to", ["olga\nBcc: eve@example.org", CANNOT_BE_WRITTEN[0], READ_AS_ANOTHER[0]]
)
def test_invalid_address_is_not_tried(sink: Sink, to: str) -> None:
    with pytest.raises(CommandError, match="does not look like an email address"):
        call_command("send_test_mail", to)

    assert sink.connections == 0


def test_host_that_does_not_exist(settings: Settings) -> None:
    settings.EMAIL_HOST = "relay.invalid"

    assert failure() == "The name “relay.invalid” leads nowhere. Look at EMAIL_HOST."


def test_port_that_is_closed(settings: Settings) -> None:
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()

    assert failure().startswith(f"Nobody takes mail at 127.0.0.1:{settings.EMAIL_PORT}. ")


def test_relay_that_does_not_answer(silent: socket.socket) -> None:
    message = failure()

    assert "did not answer within 0.2 seconds" in message
    assert "Port 465 wants EMAIL_USE_SSL=true" in message


def test_relay_without_implicit_tls(sink: Sink, settings: Settings) -> None:
    settings.EMAIL_USE_SSL = True

    assert "does not speak TLS in the way it was spoken to. Port 587" in failure()


def test_relay_without_starttls(sink: Sink, settings: Settings) -> None:
    settings.EMAIL_USE_TLS = True

    message = failure()

    assert message.startswith("The relay cannot do what it was asked for: STARTTLS")
    assert "EMAIL_USE_TLS" in message


def test_relay_with_an_untrusted_certificate(
    settings: Settings, self_signed: ssl.SSLContext
) -> None:
    with smtp.running(tls_context=self_signed) as sink:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", sink.port
        settings.EMAIL_USE_TLS = True

        message = failure()

    assert "The certificate of 127.0.0.1" in message
    assert "self-signed certificate" in message
    assert "this server’s clock" in message


def test_relay_that_refuses_the_password(settings: Settings) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "site", SECRET
    with smtp.running(**WITH_PASSWORD) as sink:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", sink.port

        message = failure()

    assert message == (
        "The relay does not let us in (535). Look at EMAIL_HOST_USER and EMAIL_HOST_PASSWORD."
    )


def test_relay_without_authentication(sink: Sink, settings: Settings) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "site", SECRET

    assert "EMAIL_HOST_USER is wanted on this port" in failure()


def test_sender_that_is_refused(sink: Sink, settings: Settings) -> None:
    settings.DEFAULT_FROM_EMAIL = "Notes <notes@example.org>"
    sink.sender = "553 5.7.1 sender not owned by you"

    assert failure() == (
        "The relay refuses the sender. It says: 553 5.7.1 sender not owned by you"
        " Look at DEFAULT_FROM_EMAIL: the relay has to know this address or its domain."
    )


def test_address_that_is_refused(sink: Sink) -> None:
    sink.recipients[TO] = "550 5.1.1 nobody of this name"

    assert "The relay refuses the address this goes to. It says: 550 5.1.1 nobody" in failure()


def test_relay_that_hangs_up(sink: Sink) -> None:
    sink.drop = "before 354"

    assert "hung up (SMTPServerDisconnected)" in failure()


def test_sender_that_is_invalid(sink: Sink, settings: Settings) -> None:
    settings.DEFAULT_FROM_EMAIL = "Notes <notes@"

    assert failure() == "A mail cannot be put together. Look at DEFAULT_FROM_EMAIL."


def test_password_that_smtp_cannot_encode(settings: Settings) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "site", "schlüssel"
    with smtp.running(**WITH_PASSWORD) as sink:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", sink.port

        message = failure()

    assert "holds a sign that mail cannot carry" in message
    assert "schlüssel" not in message


def test_password_repeated_by_the_relay_is_redacted(sink: Sink, settings: Settings) -> None:
    settings.EMAIL_HOST_PASSWORD = SECRET
    sink.answer = f"554 you message {SECRET}"

    assert "It says: 554 you message …" in failure()


def test_network_and_tls_errors_are_distinguished(settings: Settings) -> None:
    assert "is closed (OSError)" in explain(OSError(101, "Network is unreachable"))[0]
    assert "does not speak TLS" in explain(ssl.SSLError("odd"))[0]
