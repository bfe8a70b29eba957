import re
from datetime import datetime
from email.message import EmailMessage

import pytest
from django.conf import settings as project
from pytest_django import Settings

from accounts.models import User
from mail.models import Message
from reminders import emails
from reminders.models import Schedule
from tests.reminders.conftest import send
from tests.support.smtp import Sink

pytestmark = pytest.mark.django_db

# What a note must never say: the product's subject, its name, anything that urges.
FORBIDDEN = re.compile(
    r"letter|step|heal|quiet treatment|silence|ghost|broke|partner|grief|alone|miss|streak|days"
    r"|don.t forget|\bjust\b|\bshould\b|!|" + re.escape(project.SITE_NAME),
    re.IGNORECASE,
)


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_note_is_short_small_and_names_nothing(number: int) -> None:
    content = emails.note(number, "t" * 22)

    text, html = content.text, content.html
    without_links = re.sub(r"http\S+", "link", text)
    assert content.subject == "A reminder for you"
    assert len(without_links.split()) <= 60
    assert len(text.encode()) + len(html.encode()) < 10_000
    assert not FORBIDDEN.search(without_links.replace("on any day", "").replace("Nothing has", ""))
    assert "http" not in text[:120]
    assert "http" not in _shown(html)[:120]
    assert not re.search(r"<img|<script|src=|background:url|https?://(?!localhost:8000/)", html)


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_both_parts_say_the_same(number: int) -> None:
    content = emails.note(number, "t" * 22)

    assert _shown(content.html).split() == content.text.split()


def test_notes_differ_and_the_fifth_says_goodbye_for_now() -> None:
    texts = [emails.note(number, "t" * 22).text for number in range(1, 6)]

    assert len(set(texts)) == 5
    assert "After this one we stay quiet" in texts[4]


def test_sent_note_can_be_unsubscribed_and_starts_no_thread(
    planned: Message, chosen: Schedule, sink: Sink, evening: datetime
) -> None:
    send(evening)

    mail = sink.mails[0]
    stop = f"http://localhost:8000/r/{chosen.token}/"
    assert mail["From"] == "Notes <notes@localhost>"
    assert mail["To"] == "alice@example.org"
    assert mail["List-Unsubscribe"] == f"<{stop}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["List-Id"] == "<notes.localhost>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert mail["Message-ID"] == f"<{planned.pk}@localhost>"
    absent = ["In-Reply-To", "References", "Precedence"]
    assert [name for name in absent if mail[name] is not None] == []
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    links = set(re.findall(r"http[^\s\"<]+", _text(mail)))
    assert links == {"http://localhost:8000/today/", stop}


def test_headers_stay_on_one_line_with_a_host_of_sixty_characters(
    planned: Message, sink: Sink, evening: datetime, settings: Settings
) -> None:
    host = "a-rather-long-name-for-a-host-of-ours.notes.some-clinic.example"[:60]
    settings.SITE_URL = f"https://{host}"
    settings.SITE = type(settings.SITE)("https", host, "", "", "")
    settings.DEFAULT_FROM_EMAIL = f"Notes <notes@{host}>"

    send(evening)

    head = sink.raw[0].partition(b"\r\n\r\n")[0].decode().split("\r\n")
    assert [line for line in head if line[0] in " \t" and "boundary" not in line] == []
    line = next(line for line in head if line.startswith("List-Unsubscribe:"))
    assert re.fullmatch(rf"List-Unsubscribe: <https://{host}/r/[\w-]{{22}}/>", line)


def test_note_contains_neither_writing_nor_name(
    chosen: Schedule, alice: User, sink: Sink, evening: datetime, now: datetime
) -> None:
    from accounts.models import Profile, ProfileContents
    from journal.models import Letter, LetterContents

    words = "CANARY-4711"
    Letter.sealed_by(alice.key, LetterContents(to=words, body=words), now=now).save()
    Profile.sealed_by(alice.key, ProfileContents(name=words), now=now).save()
    from tests.reminders.conftest import plan

    plan(evening)
    send(evening)

    assert len(sink.raw) == 1
    assert words.encode() not in sink.raw[0]


def _text(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part
    return str(part.get_content())


def _shown(html: str) -> str:
    """The text a mail program shows of this HTML."""
    body = html.partition("<body")[2].partition(">")[2]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)).strip().replace("&#x27;", "'")
