"""Help is a file in every language, and needs no database to choose it."""

from pathlib import Path

import pytest
from pytest_django import Settings

from accounts.models import User
from safety import collected_files_mark, help_pages, signed_in_cookie
from tests.support.client import Client
from tests.support.invented_languages import ACCENTED, marked_as_english, untranslated
from tests.support.people import signed_in

PATHS = ["/help/", "/help/gb/", "/help/elsewhere/"]
HERE = f'<html lang="{ACCENTED}">'


@pytest.fixture
def rendered(invented: None, tmp_path: Path, settings: Settings) -> None:
    settings.PAGES_ROOT = tmp_path
    for path in PATHS:
        help_pages.write(path)


@pytest.mark.usefixtures("rendered")
@pytest.mark.parametrize("path", PATHS)
def test_visitors_help_is_in_the_language_of_their_browser(path: str) -> None:
    page = Client(headers={"accept-language": ACCENTED}).get(path)

    html = page.content.decode()
    assert HERE in html
    # A word to send to a number.
    assert untranslated(html, ACCENTED, besides=("SHOUT",)) == []
    assert marked_as_english(html, ACCENTED) == []
    assert "Accept-Language" in page.headers["Vary"]
    assert HERE not in Client(headers={"accept-language": "zz"}).get(path).content.decode()


@pytest.mark.usefixtures("rendered")
def test_persons_help_is_in_their_language_until_they_sign_out(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(language=ACCENTED)
    client = signed_in(alice)
    client.get("/today/")
    assert client.cookies[signed_in_cookie.name()].value == ACCENTED

    page = client.get("/help/gb/").content.decode()
    client.post("/you/", {"name": "", "time_zone": "UTC", "language": "en"})
    in_english = client.get("/help/gb/").content.decode()
    client.post("/accounts/logout/")

    assert HERE in page
    assert 'href="/journal/"' in page
    assert HERE not in in_english
    assert 'href="/journal/"' in in_english
    assert client.cookies[signed_in_cookie.name()].value == ""


@pytest.mark.usefixtures("invented")
def test_help_without_files_is_in_their_language_too(
    tmp_path: Path, settings: Settings, db: None
) -> None:
    settings.PAGES_ROOT = tmp_path

    page = Client(headers={"accept-language": ACCENTED}).get("/help/")

    assert HERE in page.content.decode()


def test_another_language_makes_help_pages_of_another_version(
    invented_catalogues: Path, settings: Settings
) -> None:
    before = collected_files_mark.expected_mark()

    settings.LANGUAGES = [*settings.LANGUAGES, (ACCENTED, "Invented")]

    assert collected_files_mark.expected_mark() != before
