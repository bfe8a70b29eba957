"""Where the site is: said once, however it was typed."""

import json
import sys

import pytest

from config.site_url import parse_site_url
from local.folder import ROOT
from tests.support.gunicorn_server import run

SHOWN = """
import json
from config import settings as it
print(json.dumps([it.SITE_URL, it.SITE.netloc, it.HTTPS, it.ALLOWED_HOSTS, it.DEFAULT_FROM_EMAIL]))
"""


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("https://notes.example.org", "https://notes.example.org"),
        ("https://notes.example.org/", "https://notes.example.org"),
        ("HTTPS://Notes.Example.ORG", "https://notes.example.org"),
        ("https://notes.example.org:443/", "https://notes.example.org"),
        ("https://notes.example.org:/", "https://notes.example.org"),
        ("http://notes.example.org:80", "http://notes.example.org"),
        ("https://notes.example.org:80", "https://notes.example.org:80"),
        ("http://notes.example.org:443", "http://notes.example.org:443"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("https://[2001:DB8::443]:443", "https://[2001:db8::443]"),
        ("https://[2001:db8::443]", "https://[2001:db8::443]"),
    ],
)
def test_site_is_written_as_a_browser_writes_it(typed: str, said: str) -> None:
    assert parse_site_url(typed).geturl() == said


def test_everything_that_names_the_site_agrees(environment: dict[str, str]) -> None:
    typed = {"SITE_URL": "HTTPS://Notes.Example.org:443/"}

    shown = run([sys.executable, "-c", SHOWN], environment | typed, cwd=ROOT)

    assert shown.stderr == ""
    assert json.loads(shown.stdout) == [
        "https://notes.example.org",
        "notes.example.org",
        True,
        ["notes.example.org"],
        "Notes <notes@notes.example.org>",
    ]
