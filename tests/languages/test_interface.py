"""Every page in a language that nobody speaks: nothing is left in English unless it says so."""

import re

import pytest
from django.utils import timezone

from accounts.models import User
from tests.support.client import Client
from tests.support.invented_languages import (
    ACCENTED,
    MIRRORED,
    in_invented,
    marked_as_english,
    untranslated,
)
from tests.support.letters import a_letter
from tests.support.second_factors import reauthenticate

pytestmark = pytest.mark.usefixtures("invented")

FOR_ANYONE = [
    *("/", "/steps/", "/steps/1/", "/steps/1/filling-in/", "/steps/2/if-then/", "/learn/"),
    *("/learn/what-it-is/", "/where/", "/about/", "/privacy/", "/terms/", "/safety/", "/before/"),
    *("/accounts/signup/", "/accounts/login/", "/accounts/password/reset/", "/nowhere/"),
]
FOR_ALICE = [
    *("/today/", "/steps/", "/steps/1/", "/steps/1/filling-in/", "/steps/7/fairer/", "/learn/"),
    *("/learn/signs/", "/progress/", "/journal/", "/journal/write/", "/journal/write/them/"),
    *("/journal/write/them/lines/", "/you/", "/you/privacy/", "/you/privacy/erase/"),
    *("/you/reminders/", "/accounts/", "/accounts/devices/", "/accounts/activity/"),
    *("/accounts/lock/", "/accounts/email/", "/accounts/2fa/", "/accounts/first/", "/safety/"),
    *("/accounts/password/change/", "/accounts/logout/", "/privacy/", "/terms/", "/about/"),
]


@pytest.mark.parametrize("path", FOR_ANYONE)
def test_visitors_page_is_in_the_language_of_their_browser(
    client: Client, db: None, path: str
) -> None:
    page = client.get(path, headers={"accept-language": f"{ACCENTED},en;q=0.5"})

    html = page.content.decode()
    assert f'<html lang="{ACCENTED}">' in html
    assert untranslated(html, ACCENTED) == marked_as_english(html, ACCENTED) == []


@pytest.mark.parametrize("path", FOR_ALICE)
def test_persons_page_is_in_their_language(as_alice: Client, alice: User, path: str) -> None:
    User.objects.filter(pk=alice.pk).update(language=ACCENTED)
    a_letter(alice, state="kept", now=timezone.now())

    reauthenticate(as_alice)
    html = as_alice.get(path).content.decode()

    assert f'<html lang="{ACCENTED}">' in html
    assert untranslated(html, ACCENTED, besides=(alice.email,)) == []
    assert marked_as_english(html, ACCENTED) == []


@pytest.mark.parametrize("path", ["/steps/1/", "/steps/1/filling-in/", "/safety/", "/nowhere/"])
def test_what_is_folded_in_one_language_is_shown_in_no_other(
    client: Client, db: None, path: str
) -> None:
    def words(language: str) -> str:
        page = client.get(path, headers={"accept-language": language}).content.decode()
        return re.sub(r'(name="csrfmiddlewaretoken"|name="id") value="[^"]+"', "", page)

    pages = {language: words(language) for language in ("en", ACCENTED, MIRRORED)}

    assert 'dir="rtl"' in pages[MIRRORED]
    assert in_invented("Leave now") in pages[ACCENTED]
    assert len(untranslated(pages["en"], "en")) > 10
    for language in (MIRRORED, "en", ACCENTED, "en"):
        assert words(language) == pages[language]
