"""Every page in a language that nobody speaks: nothing is left in English unless it says so."""

import re
from datetime import datetime

import pytest
import time_machine
from django.core.cache import cache
from django.http import HttpResponse

from accounts.models import User
from tests.support.client import Client
from tests.support.invented_languages import (
    ACCENTED,
    MIRRORED,
    in_invented,
    marked_as_english,
    untranslated,
)
from tests.support.people import signed_in
from tests.support.second_factors import reauthenticate

pytestmark = pytest.mark.usefixtures("invented")

# Alice's own words, where they are part of a sentence or of an attribute, and names.
NAMES = ("Firefox", "Chromium", "Noor & Bo", "I still", "M.", "Dublin")
# What Django says has catalogues of Django's.
OF_DJANGO = "This field is required."


def unmarked(page: HttpResponse, *besides: str) -> list[str]:
    """What is wrong with the languages on this page."""
    # What is answered above the middleware, such as a wrong method, is in English and says so.
    is_page = page.headers.get("Content-Type", "").startswith("text/html")
    if not is_page or not page.content or page.status_code == 405:
        return []
    html = page.content.decode().replace(OF_DJANGO, "")
    wrong = untranslated(html, ACCENTED, besides=(*NAMES, *besides))
    wrong += marked_as_english(html, ACCENTED)
    return wrong if f'<html lang="{ACCENTED}">' in html else ["another language"]


@pytest.mark.parametrize("is_signed_in", [True, False])
def test_every_page_is_in_its_language_and_marks_what_is_not(
    alice: User, addresses: list[str], is_signed_in: bool, now: datetime
) -> None:
    cache.clear()
    User.objects.filter(pk=alice.pk).update(language=ACCENTED)
    client = Client(headers={"accept-language": ACCENTED})
    with time_machine.travel(now, tick=False):
        if is_signed_in:
            client.force_login(alice)
            reauthenticate(client)
        wrong = {
            path: unmarked(client.get(path), alice.email)
            for path in addresses
            # These are files: see test_help.py.
            if not path.startswith("/help/")
        }

    assert {path: words for path, words in wrong.items() if words} == {}


def test_every_error_of_a_form_is_in_its_language(
    alice: User, addresses: list[str], now: datetime
) -> None:
    User.objects.filter(pk=alice.pk).update(language=ACCENTED)
    wrong, client = {}, None
    with time_machine.travel(now, tick=False):
        for path in addresses:
            cache.clear()
            if client is None:
                client = signed_in(alice)
                reauthenticate(client)
            page = client.post(path, {})
            wrong[path] = unmarked(page, alice.email)
            # What leads elsewhere may have ended the session, or its proof.
            if page.status_code not in {200, 405}:
                client = None

    assert {path: words for path, words in wrong.items() if words} == {}


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
