"""The summary of a form's errors takes the focus, but not from somebody who types already."""

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import NewPage, hold
from tests.support.client import Client

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SCRIPT = "**/js/error_summary.*"
IS_READY = "() => document.readyState === 'complete'"


@pytest.fixture
def page(new_page: NewPage, as_alice: Client) -> Page:
    page = new_page(as_alice)
    page.goto("/you/")
    page.get_by_label("What would you like to be called?").fill("x" * 61)
    return page


def test_summary_takes_the_focus(page: Page) -> None:
    page.locator("main form button").first.click()

    expect(page.locator("[data-errors]")).to_be_focused()


def test_summary_does_not_take_the_focus_from_somebody_who_types(page: Page) -> None:
    release = hold(page, SCRIPT)
    page.locator("main form button").first.click(no_wait_after=True)
    page.locator("[data-errors]").wait_for()
    name = page.get_by_label("What would you like to be called?")
    name.focus()

    release()
    page.wait_for_function(IS_READY)

    expect(name).to_be_focused()
