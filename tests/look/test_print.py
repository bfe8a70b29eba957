"""What is on the paper when a page is printed."""

import pytest
from playwright.sync_api import Page

from safety.helplines import countries
from tests.support.browser import NewPage

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# The words of every link that calls or writes, as far as they are printed, and how tall in points.
PRINTED = """
() => [...document.querySelectorAll("a[href^='tel:'], a[href^='sms:']")].map((each) => [
  each.checkVisibility() ? each.innerText.trim() : "",
  parseFloat(getComputedStyle(each).fontSize) * 0.75,
])
"""


def _print(page: Page, address: str) -> None:
    page.goto(address)
    page.emulate_media(media="print")


@pytest.mark.parametrize("code", countries())
def test_every_number_is_printed_large(new_page: NewPage, code: str) -> None:
    country = countries()[code]
    expected = [each.number.text for each in country.emergency]
    for line in country.lines:
        expected += [number.text for number in line.numbers]
        expected += [line.sms.number.text] if line.sms else []
    page = new_page()

    _print(page, f"/help/{code}/")
    printed = page.evaluate(PRINTED)

    for text, (words, points) in zip(expected, printed, strict=True):
        assert text in words
        assert points >= 16


@pytest.mark.parametrize("address", ["/help/", "/help/gb/", "/help/elsewhere/"])
def test_the_directory_of_lines_is_printed(new_page: NewPage, address: str) -> None:
    page = new_page()

    _print(page, address)

    assert page.get_by_text("Open findahelpline.com", exact=True).is_visible()


@pytest.mark.parametrize("address", ["/help/gb/", "/help/"])
def test_what_cannot_be_used_on_paper_is_not_printed(new_page: NewPage, address: str) -> None:
    page = new_page()

    _print(page, address)

    for words in ("Leave now", "All countries", "Back to your own page"):
        for each in page.get_by_text(words).all():
            assert not each.is_visible()
