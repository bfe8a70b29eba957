"""Words that are 40 % longer, and pages from right to left, have room in every window."""

import pytest
from playwright.sync_api import Page

from accounts.models import User
from tests.support.browser import NewPage
from tests.support.client import Client
from tests.support.geometry import cut_off_in_window, wrong_in_window
from tests.support.invented_languages import ACCENTED, MIRRORED

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("invented"),
]

WINDOWS = [(320, 640), (1280, 720)]
FOR_ANYONE = ["/", "/steps/2/if-then/", "/accounts/signup/", "/safety/"]
FOR_ALICE = [
    *("/today/", "/steps/1/", "/steps/1/filling-in/", "/journal/", "/journal/write/"),
    *("/journal/write/them/", "/you/", "/you/reminders/"),
]


def _wrong(page: Page, addresses: list[str], language: str) -> list[str]:
    page.set_extra_http_headers({"Accept-Language": language})
    wrong = []
    for address in addresses:
        page.goto(address)
        assert page.locator("html").get_attribute("lang") == language, address
        for width, height in WINDOWS:
            found = wrong_in_window(page, width, height) + cut_off_in_window(page, width, height)
            wrong += [f"{address} at {width} × {height}: {each}" for each in found]
    return wrong


@pytest.mark.parametrize("language", [ACCENTED, MIRRORED])
def test_longer_words_have_room_for_a_visitor(new_page: NewPage, language: str) -> None:
    assert _wrong(new_page(), FOR_ANYONE, language) == []


def test_longer_words_have_room_from_right_to_left(
    new_page: NewPage, as_alice: Client, alice: User
) -> None:
    User.objects.filter(pk=alice.pk).update(language=MIRRORED)

    assert _wrong(new_page(as_alice), FOR_ALICE, MIRRORED) == []


def test_words_that_are_cut_off_are_found(new_page: NewPage) -> None:
    page = new_page()
    narrow = "overflow: hidden; inline-size: 4rem; white-space: nowrap"
    page.set_content(
        f'<p>All of it</p><p style="{narrow}">Half of these words</p>'
        '<p dir="rtl" style="position: absolute; left: -3rem">Beside the window</p>'
    )

    assert cut_off_in_window(page, 320, 640) == [
        "“Half of these words” is cut off",
        "“Beside the window” is cut off",
    ]
