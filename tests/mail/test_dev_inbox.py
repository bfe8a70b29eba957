import os
import signal
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings as project
from django.core.management import CommandError, call_command
from pytest_django import Settings

from local.servers import free_port
from mail import checks
from mail.dev_inbox import mailbox
from tests.support import smtp
from tests.support.client import Client

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 12, 20, 14, tzinfo=UTC)
MAIL = (
    b"From: Notes <notes@localhost>\r\nTo: alice@example.org\r\nSubject: Your code\r\n"
    b"X-Odd: <script>alert(1)</script>\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/alternative; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nThe code is 4711. "
    b"http://localhost:8000/today/ <script>\r\n"
    b'--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p style="margin:0">Shown</p>'
    b"<script>alert(1)</script>\r\n--b--\r\n"
)


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    settings.MAIL_CATCHER = tmp_path / "mail"
    return tmp_path / "mail"


@pytest.fixture
def caught(folder: Path) -> str:
    return mailbox.save(folder, MAIL, now=NOW)


def test_inbox_does_not_exist_where_mail_is_not_caught(
    client: Client, caught: str, settings: Settings
) -> None:
    settings.MAIL_CATCHER = None

    for url in ("/dev/inbox/", f"/dev/inbox/{caught}/", f"/dev/inbox/{caught}/html/"):
        assert client.get(url).status_code == 404


def test_inbox_shows_the_newest_mails_first_and_not_too_many(client: Client, folder: Path) -> None:
    for second in range(59):
        data = MAIL.replace(b"Your code", f"Mail {second:02}".encode())
        mailbox.save(folder, data, now=NOW.replace(second=second))

    page = client.get("/dev/inbox/").text

    assert page.index("Mail 58") < page.index("Mail 57")
    assert page.count("<b>Mail ") == mailbox.MAX_SHOWN
    assert "Mail 08" not in page


def test_empty_inbox_says_so(client: Client, folder: Path) -> None:
    assert "No mail yet." in client.get("/dev/inbox/").text


def test_mail_page_shows_headers_and_both_parts_and_runs_nothing(
    client: Client, caught: str
) -> None:
    page = client.get(f"/dev/inbox/{caught}/")

    assert "Your code" in page.text
    assert "alice@example.org" in page.text
    assert '<a href="http://localhost:8000/today/"' in page.text
    assert "<script>alert" not in page.text
    assert f'sandbox title="The mail as HTML" src="/dev/inbox/{caught}/html/"' in page.text
    assert "frame-src 'self'" in page["Content-Security-Policy"]


def test_html_part_is_sandboxed(client: Client, caught: str) -> None:
    part = client.get(f"/dev/inbox/{caught}/html/")

    assert '<p style="margin:0">Shown</p>' in part.text
    assert part["X-Frame-Options"] == "SAMEORIGIN"
    assert part["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"
    )


@pytest.mark.parametrize(
    "name",
    ["..", "..%2f..%2fsecrets", "20260312-201400-000000-0000000g", "nothing", "%00", "x" * 300],
)
def test_other_names_are_not_found(client: Client, caught: str, folder: Path, name: str) -> None:
    (folder.parent / "secrets.eml").write_bytes(MAIL)

    assert client.get(f"/dev/inbox/{name}/").status_code == 404
    assert client.get(f"/dev/inbox/{name}/html/").status_code == 404


def test_half_written_mail_is_not_shown(client: Client, folder: Path, caught: str) -> None:
    (folder / ".20260312-201400-000000-00000000.part").write_bytes(MAIL)
    (folder / "notes.txt").write_bytes(MAIL)

    assert [mail.name for mail in mailbox.newest(folder)] == [caught]


def test_server_that_catches_its_mail_fails_the_check(settings: Settings, folder: Path) -> None:
    assert [error.id for error in checks.mail_is_not_caught()] == ["mail.E001"]
    settings.MAIL_CATCHER = None
    assert checks.mail_is_not_caught() == []


# --- The catcher ---------------------------------------------------------------------------


@pytest.fixture
def catcher(folder: Path) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "catch_mail"],
        env=os.environ | {"MAIL_CATCHER": str(folder), "EMAIL_PORT": str(port)},
        cwd=project.BASE_DIR,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process, port
    finally:
        process.kill()
        process.communicate(timeout=120)


def test_catcher_saves_each_mail_unchanged_and_stops_on_sigterm(
    catcher: tuple["subprocess.Popen[str]", int], folder: Path
) -> None:
    process, port = catcher
    assert process.stdout
    assert process.stdout.readline() == f"Catching mail on 127.0.0.1:{port}\n"

    with smtplib.SMTP("127.0.0.1", port) as client:
        for _ in range(2):
            client.sendmail("notes@localhost", ["alice@example.org"], MAIL)

    saved = list(folder.iterdir())
    assert len(saved) == 2
    assert {path.read_bytes() for path in saved} == {MAIL}

    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=120) == 0
    _out, errors = process.communicate(timeout=120)
    assert "alice" not in errors


def test_catcher_says_what_to_do_when_it_has_no_folder(settings: Settings) -> None:
    settings.MAIL_CATCHER = None

    with pytest.raises(CommandError, match="Set it to the folder"):
        call_command("catch_mail")


def test_catcher_says_so_when_its_port_is_taken(folder: Path) -> None:
    with smtp.running() as sink:
        refused = subprocess.run(
            [sys.executable, "manage.py", "catch_mail"],
            env=os.environ | {"MAIL_CATCHER": str(folder), "EMAIL_PORT": str(sink.port)},
            cwd=project.BASE_DIR,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    assert refused.returncode == 1
    assert f"Port {sink.port} cannot be opened" in refused.stderr
