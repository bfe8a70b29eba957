"""One mail sent by hand: by the relay of all others, and in words when it fails."""

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
from mail.delivery_check import NotSent, _said, send
from mail.models import Message
from tests.support import smtp
from tests.support.smtp import Sink

TO = "olga@example.org"
SECRET = "a password of the relay"


@pytest.fixture
def silent(settings: Settings) -> Iterator[socket.socket]:
    """Somebody who takes calls and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        settings.EMAIL_HOST, settings.EMAIL_PORT = listener.getsockname()
        settings.EMAIL_TIMEOUT = 0.2
        yield listener


@pytest.fixture
def self_made(tmp_path: Path) -> ssl.SSLContext:
    """A certificate that nobody vouches for."""
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


def turned_away(*args: Any) -> AuthResult:
    return AuthResult(success=False, handled=False)


WITH_PASSWORD = {
    "authenticator": turned_away,
    "auth_require_tls": False,
}


def why_not(to: str = TO) -> str:
    with pytest.raises(NotSent) as caught:
        send(to)
    return str(caught.value)


def test_mail_arrives_and_nothing_is_kept_of_it(
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
    said = capsys.readouterr().out
    assert f"127.0.0.1:{sink.port} has taken a mail from Notes <notes@example.org> to {TO}." in said
    assert "It went in the clear" in said


def test_caught_mail_is_said_to_be_caught(
    sink: Sink, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.MAIL_CATCHER = "mail"

    call_command("send_test_mail", TO)

    assert "/dev/inbox/" in capsys.readouterr().out


def test_command_fails_where_the_mail_did_not_leave(sink: Sink) -> None:
    sink.answer = "554 5.7.1 not from you"

    with pytest.raises(CommandError, match="Not sent"):
        call_command("send_test_mail", TO)


def test_what_is_no_address_is_not_tried(sink: Sink) -> None:
    with pytest.raises(CommandError, match="does not look like an email address"):
        call_command("send_test_mail", "olga\nBcc: eve@example.org")

    assert sink.connections == 0


def test_name_that_leads_nowhere(settings: Settings) -> None:
    settings.EMAIL_HOST = "relay.invalid"

    assert why_not() == "The name “relay.invalid” leads nowhere. Look at EMAIL_HOST."


def test_port_nobody_listens_at(settings: Settings) -> None:
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()

    assert why_not().startswith(f"Nobody takes mail at 127.0.0.1:{settings.EMAIL_PORT}. ")


def test_relay_that_says_nothing(silent: socket.socket) -> None:
    said = why_not()

    assert "did not answer within 0.2 seconds" in said
    assert "Port 465 wants EMAIL_USE_SSL=true" in said


def test_relay_that_speaks_no_tls_from_the_first_byte(sink: Sink, settings: Settings) -> None:
    settings.EMAIL_USE_SSL = True

    assert "does not speak TLS in the way it was spoken to. Port 587" in why_not()


def test_relay_that_has_no_starttls(sink: Sink, settings: Settings) -> None:
    settings.EMAIL_USE_TLS = True

    said = why_not()

    assert said.startswith("The relay cannot do what it was asked for: STARTTLS")
    assert "EMAIL_USE_TLS" in said


def test_relay_whose_certificate_does_not_hold(
    settings: Settings, self_made: ssl.SSLContext
) -> None:
    with smtp.running(tls_context=self_made) as sink:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", sink.port
        settings.EMAIL_USE_TLS = True

        said = why_not()

    assert "The certificate of 127.0.0.1" in said
    assert "self-signed certificate" in said
    assert "this server’s clock" in said


def test_relay_that_does_not_let_us_in(settings: Settings) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "site", SECRET
    with smtp.running(**WITH_PASSWORD) as sink:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", sink.port

        said = why_not()

    assert said == (
        "The relay does not let us in (535). Look at EMAIL_HOST_USER and EMAIL_HOST_PASSWORD."
    )


def test_relay_that_asks_for_no_password(sink: Sink, settings: Settings) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "site", SECRET

    assert "EMAIL_HOST_USER is wanted on this port" in why_not()


def test_sender_that_is_refused(sink: Sink, settings: Settings) -> None:
    settings.DEFAULT_FROM_EMAIL = "Notes <notes@example.org>"
    sink.sender = "553 5.7.1 sender not owned by you"

    assert why_not() == (
        "The relay refuses the sender. It says: 553 5.7.1 sender not owned by you"
        " Look at DEFAULT_FROM_EMAIL: the relay has to know this address or its domain."
    )


def test_address_that_is_refused(sink: Sink) -> None:
    sink.recipients[TO] = "550 5.1.1 nobody of this name"

    assert "The relay refuses the address this goes to. It says: 550 5.1.1 nobody" in why_not()


def test_relay_that_hangs_up(sink: Sink) -> None:
    sink.drop = "before 354"

    assert "hung up (SMTPServerDisconnected)" in why_not()


def test_sender_that_is_no_address(sink: Sink, settings: Settings) -> None:
    settings.DEFAULT_FROM_EMAIL = "Notes <notes@"

    assert why_not() == "A mail cannot be put together. Look at DEFAULT_FROM_EMAIL."


def test_password_that_mail_cannot_carry(settings: Settings) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "site", "schlüssel"
    with smtp.running(**WITH_PASSWORD) as sink:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", sink.port

        said = why_not()

    assert "holds a sign that mail cannot carry" in said
    assert "schlüssel" not in said


def test_what_the_relay_repeats_of_our_password_is_left_out(sink: Sink, settings: Settings) -> None:
    settings.EMAIL_HOST_PASSWORD = SECRET
    sink.answer = f"554 you said {SECRET}"

    assert "It says: 554 you said …" in why_not()


def test_way_that_is_closed_is_told_from_the_others(settings: Settings) -> None:
    assert "is closed (OSError)" in _said(OSError(101, "Network is unreachable"))[0]
    assert "does not speak TLS" in _said(ssl.SSLError("odd"))[0]
