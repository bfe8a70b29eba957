"""Signing out and erasing delete what waits on the device, in WebKit as well, which ignores
Clear-Site-Data."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from accounts.models import User
from tests.support.browser import NewPage, follow
from tests.support.client import PASSWORD, Client
from tests.support.device_copies import STORED, wait_for_copies

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

EXERCISE = "/steps/2/hoping/"
SIGN_OUT, ERASE = "/accounts/logout/", "/you/privacy/erase/"
GONE = "No unsaved words are left in this browser"
LEFT = "Unsaved words may still be in this browser"
NEVER_DELETES = """
IDBFactory.prototype.deleteDatabase = () => {
  throw new DOMException("", "SecurityError");
};
"""


def without_clear_site_data(route: Route) -> None:
    """Answer as it reaches a browser that does not know this header."""
    response = route.fetch(max_redirects=0)
    headers = {name: value for name, value in response.headers.items() if name != "clear-site-data"}
    route.fulfill(response=response, headers=headers)


@pytest.fixture
def page(new_page: NewPage, as_alice: Client) -> Page:
    """A page of Alice’s in such a browser, in which words of hers wait."""
    page = new_page(as_alice)
    for address in (SIGN_OUT, ERASE):
        page.context.route(f"**{address}", without_clear_site_data)
    write(page)
    return page


def write(page: Page) -> None:
    page.goto(EXERCISE)
    page.locator("textarea").first.fill("I was hoping for a word.")
    wait_for_copies(page, 1)


def sign_out(page: Page) -> None:
    page.goto(SIGN_OUT)
    follow(page.locator("main").get_by_role("button", name="Sign out"))


def erase(page: Page) -> None:
    page.goto(ERASE)
    page.get_by_label("password").fill(PASSWORD)
    follow(page.locator("main").get_by_role("button", name="Erase everything"))


def test_signing_out_deletes_what_waits(page: Page) -> None:
    sign_out(page)

    expect(page.get_by_text(GONE)).to_be_visible()
    assert page.evaluate(STORED) == []
    page.reload()
    expect(page.get_by_text(GONE)).to_have_count(0)


def test_words_are_deleted_before_the_form_is_sent(page: Page) -> None:
    page.goto(SIGN_OUT)
    page.context.unroute(f"**{SIGN_OUT}")
    page.context.route(f"**{SIGN_OUT}", lambda route: route.abort())

    with page.expect_event("requestfailed"):
        page.locator("main").get_by_role("button", name="Sign out").click(no_wait_after=True)

    other = page.context.new_page()
    other.goto("/help/")
    assert other.evaluate(STORED) == []


def test_another_tab_does_not_keep_them(page: Page) -> None:
    """A page that has the database open closes it when another one deletes it."""
    other = page.context.new_page()
    other.goto("/journal/write/them/")

    sign_out(page)

    expect(page.get_by_text(GONE)).to_be_visible()
    assert page.evaluate(STORED) == []


def test_erasing_deletes_what_waits(page: Page, alice: User) -> None:
    erase(page)

    expect(page).to_have_url(re.compile("/goodbye/$"))
    expect(page.get_by_text(GONE)).to_be_visible()
    assert page.evaluate(STORED) == []
    assert not User.objects.filter(pk=alice.pk).exists()


@pytest.mark.parametrize("end", [sign_out, erase])
def test_page_does_not_say_that_they_are_gone_if_they_are_not(
    page: Page, end: Callable[[Page], None]
) -> None:
    page.add_init_script(NEVER_DELETES)

    end(page)

    expect(page.get_by_text(LEFT)).to_be_visible()
    expect(page.get_by_text(GONE)).to_have_count(0)
    assert page.evaluate(STORED) == ["desk"]


def test_no_link_deletes_them(page: Page) -> None:
    """Somebody else could send it."""
    for address in ("/", "/goodbye/", SIGN_OUT):
        page.goto(address)
        wait_for_copies(page, 1)


def test_page_asks_the_browser_where_there_is_no_script(
    new_page: NewPage, as_alice: Client
) -> None:
    page = new_page(as_alice, scripts=False)

    sign_out(page)

    expect(page.get_by_text("We asked this browser to delete unsaved words")).to_be_visible()
