import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.conf import settings as project
from pytest_django import Settings

from mail import checks

CONNECT = """
import django
django.setup()
from mail.relay import Relay
print(Relay(timeout=10).ensure_connected())
"""


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A server that accepts one connection and sends nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(30)
        yield listener


def test_relay_speaks_tls_from_the_first_byte_when_it_is_told_to(listener: socket.socket) -> None:
    environment = {
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": str(listener.getsockname()[1]),
        "EMAIL_USE_SSL": "true",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    process = subprocess.Popen(
        [sys.executable, "-c", CONNECT],
        env=os.environ | environment,
        cwd=project.BASE_DIR,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    call, _address = listener.accept()
    with call:
        call.settimeout(30)
        first = call.recv(1)

    # The first byte of a TLS handshake; plain SMTP would wait for the server's greeting.
    assert first == b"\x16"
    output, _errors = process.communicate(timeout=120)
    assert output == "False\n"


@pytest.mark.parametrize(
    ("host", "tls", "ssl", "ids"),
    [
        ("smtp.example.org", False, False, ["mail.E003"]),
        ("localhost.example.org", False, False, ["mail.E003"]),
        ("smtp.example.org", True, False, []),
        ("smtp.example.org", False, True, []),
        ("localhost", False, False, []),
        ("127.0.0.1", False, False, []),
    ],
)
def test_password_without_encryption_fails_the_check(
    settings: Settings, host: str, tls: bool, ssl: bool, ids: list[str]
) -> None:
    settings.EMAIL_HOST, settings.EMAIL_USE_TLS, settings.EMAIL_USE_SSL = host, tls, ssl
    settings.EMAIL_HOST_PASSWORD = "s3cret"

    said = checks.password_is_encrypted()

    assert [each.id for each in said] == ids
    assert "s3cret" not in str(said)


@pytest.mark.parametrize(
    ("user", "password", "said"),
    [
        ("", "", []),
        ("site", "s3cret", []),
        ("site", "", ["EMAIL_HOST_PASSWORD is empty, so we do not sign in at the relay."]),
        ("", "s3cret", ["EMAIL_HOST_USER is empty, so we do not sign in at the relay."]),
    ],
)
def test_half_of_a_sign_in_at_the_relay_fails_the_check(
    settings: Settings, user: str, password: str, said: list[str]
) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = user, password

    assert [each.msg for each in checks.user_and_password_are_both_set()] == said


def test_use_tls_and_use_ssl_together_fail_the_check(settings: Settings) -> None:
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = True
    assert [error.id for error in checks.tls_and_ssl_are_not_both_set()] == ["mail.E002"]

    settings.EMAIL_USE_TLS = False
    assert checks.tls_and_ssl_are_not_both_set() == []
