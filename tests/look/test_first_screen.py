"""What a page is for is on its first screen."""

import re
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User
from journal.letter_kinds import KINDS
from tests.support.browser import NewPage
from tests.support.client import Client
from tests.support.letters import a_letter

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE, SMALL_PHONE, LAPTOP = (390, 844), (390, 664), (1280, 720)
# Every page of a signed-in person that has much on it.
PAGES = [
    *("/today/", "/steps/", "/steps/1/", "/steps/1/filling-in/", "/steps/7/fairer/", "/learn/"),
    *("/learn/signs/", "/progress/", "/journal/", "/journal/write/", "/journal/write/them/"),
    *("/journal/write/them/lines/", "/you/", "/you/privacy/", "/you/privacy/erase/", "/help/"),
    *("/you/reminders/", "/accounts/", "/accounts/devices/", "/accounts/activity/", "/help/gb/"),
    *("/accounts/lock/", "/accounts/email/", "/accounts/2fa/", "/accounts/first/", "/safety/"),
    *("/accounts/password/change/", "/accounts/logout/", "/privacy/", "/terms/", "/about/"),
]


def _box(page: Page, selector: str) -> dict[str, Any]:
    box = page.locator(selector).first.bounding_box()
    assert box is not None, f"{selector} is not shown"
    return dict(box)


def _open(page: Page, address: str, window: tuple[int, int]) -> None:
    page.set_viewport_size({"width": window[0], "height": window[1]})
    page.goto(address)


def test_start_has_its_button_on_a_small_phone(new_page: NewPage) -> None:
    page = new_page()

    _open(page, "/", SMALL_PHONE)
    button, nav = _box(page, "main .btn"), _box(page, ".nav")

    assert button["y"] + button["height"] <= nav["y"]


def test_paper_and_letters_are_on_the_first_screen(
    new_page: NewPage, as_alice: Client, alice: User
) -> None:
    now = timezone.now()
    draft = a_letter(alice, state="draft", now=now)
    a_letter(alice, state="kept", now=now)
    page = new_page(as_alice)

    tops = {}
    for window in (PHONE, LAPTOP):
        for address in ("/journal/write/them/", f"/journal/{draft.pk}/edit/"):
            _open(page, address, window)
            tops[address, window] = _box(page, "#id_body")["y"]
        assert _box(page, ".edge")["y"] >= 0
        _open(page, "/journal/", window)
        tops["/journal/", window] = _box(page, ".letters a")["y"]

    assert {where: y for where, y in tops.items() if y > 420} == {}


def test_paper_of_the_first_letter_is_on_the_first_screen_with_its_warning_open(
    new_page: NewPage, as_alice: Client
) -> None:
    page = new_page(as_alice)
    note = page.locator("details.care")

    tops = {}
    for kind in KINDS:
        for window in (PHONE, LAPTOP):
            _open(page, f"/journal/write/{kind}/", window)
            tops[kind, window] = _box(page, "#id_body")["y"]
            expect(note).to_have_attribute("open", "")
            # A screen reader says it before anything is written.
            expect(page.locator("#id_body")).to_have_accessible_description(
                re.compile(re.escape(str(KINDS[kind].heads_up)))
            )

    assert {where: y for where, y in tops.items() if y > 420} == {}
    paper = _box(page, ".sheet")
    assert _box(page, "details.care")["x"] >= paper["x"] + paper["width"]
    _open(page, "/journal/write/them/", PHONE)
    paper = _box(page, ".sheet")
    assert _box(page, "details.care")["y"] >= paper["y"] + paper["height"]
    # What to expect of it can be seen at once.
    assert _box(page, "details.care summary")["y"] < _box(page, ".nav")["y"]


def test_first_lines_lie_beside_the_paper_and_can_be_put_away(
    new_page: NewPage, as_alice: Client
) -> None:
    page = new_page(as_alice)

    _open(page, "/journal/write/them/", LAPTOP)
    paper, edge = _box(page, ".sheet"), _box(page, ".edge")
    page.get_by_label("Only the paper").check()

    assert edge["x"] >= paper["x"] + paper["width"]
    assert edge["y"] < paper["y"] + 50
    for gone in (".nav", ".mark", "h1", ".care", ".edge", ".foot"):
        assert not page.locator(gone).first.is_visible()
    assert page.get_by_role("link", name="Leave now").is_visible()
    assert page.locator("#id_body").is_visible()


def test_no_page_scrolls_sideways_at_400_percent(new_page: NewPage, as_alice: Client) -> None:
    page = new_page(as_alice)
    page.set_viewport_size({"width": 320, "height": 256})

    wide = []
    for address in PAGES:
        answer = page.goto(address)
        assert answer is not None
        assert answer.ok, address
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wide.append(address)

    assert wide == []
