"""The address of the site, normalized."""

import json
import sys

import pytest

from config.site_url_parser import parse_site_url
from local.folder import ROOT
from tests.support.dev_command import run

SCRIPT = """
import json
from config import settings as it
print(json.dumps([it.SITE_URL, it.SITE.netloc, it.HTTPS, it.ALLOWED_HOSTS, it.DEFAULT_FROM_EMAIL]))
"""


@pytest.mark.parametrize(
    ("written", "normalized"),
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
def test_site_url_is_normalized_as_browsers_do(written: str, normalized: str) -> None:
    assert parse_site_url(written).geturl() == normalized


def test_settings_made_from_the_site_url_agree(environment: dict[str, str]) -> None:
    written = {"SITE_URL": "HTTPS://Notes.Example.org:443/"}

    shown = run([sys.executable, "-c", SCRIPT], environment | written, cwd=ROOT)

    assert shown.stderr == ""
    assert json.loads(shown.stdout) == [
        "https://notes.example.org",
        "notes.example.org",
        True,
        ["notes.example.org"],
        "Notes <notes@notes.example.org>",
    ]
