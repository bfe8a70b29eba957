"""“Leave now” stays whole and within reach in any window, and nothing in the frame collides."""

import pytest
from playwright.sync_api import Page

from accounts.models import User
from tests.support.browser import NewPage
from tests.support.client import Client
from tests.support.geometry import DOUBLE, SHORT_WINDOWS, USUAL, set_text_size, wrong_in_window

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

WINDOWS = [(256, 192), *SHORT_WINDOWS, (320, 640), (390, 844), (1280, 720)]
FOR_ANYONE = ["/", "/help/", "/help/gb/", "/steps/1/", "/accounts/login/", "/nowhere/", "/safety/"]
FOR_ALICE = ["/today/", "/pause/", "/journal/", "/journal/write/them/", "/journal/cover/", "/you/"]
# Errors: what a browser opens that takes only a form, and a letter that is not there.
ERRORS = [f"/journal/{'0' * 8}-0000-4000-8000-{'0' * 12}/{what}" for what in ("", "autosave/")]


def _wrong(page: Page, addresses: list[str]) -> list[str]:
    # Also where the boat bobs.
    page.emulate_media(reduced_motion="no-preference")
    devtools = page.context.new_cdp_session(page)
    wrong = []
    for address in addresses:
        page.goto(address)
        for text, sizes in (("", USUAL), (", text of 200 %", DOUBLE)):
            set_text_size(devtools, sizes)
            for width, height in WINDOWS:
                where = f"{address} at {width} × {height}{text}"
                wrong += [f"{where}: {each}" for each in wrong_in_window(page, width, height)]
    return wrong


def test_leaving_is_in_sight_for_a_visitor(new_page: NewPage) -> None:
    assert _wrong(new_page(), FOR_ANYONE) == []


def test_leaving_is_in_sight_for_a_person(new_page: NewPage, as_alice: Client, alice: User) -> None:
    assert _wrong(new_page(as_alice), FOR_ALICE + ERRORS) == []
