"""Leaving while the connection or the server fails."""

import json

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from journal.models import Letter
from tests.safety.leaving.tab import LETTER, LOCK, NewTab, by_click, by_shift, read_then_write
from tests.support.client import PASSWORD
from tests.support.live_site import NEUTRAL, NeutralPage, Site
from tests.support.people import signed_in
from tests.support.waiting import PATIENCE

pytestmark = [
    pytest.mark.browser,
    pytest.mark.back_forward_cache,
    pytest.mark.django_db(transaction=True),
]


LOG_WHEN_PAINTED = """
() => addEventListener("keyup", () => requestAnimationFrame(() => requestAnimationFrame(() => {
  const { hidden } = document.documentElement;
  if (!hidden) return;
  const painted = [location.pathname, hidden, document.body.innerHTML];
  console.debug(JSON.stringify({ painted }));
})))
"""


def wait_for_the_browsers_error_page(page: Page) -> None:
    """Wait for the browser's own page that says that there is no connection."""
    page.wait_for_function("() => location.protocol === 'chrome-error:'")


def test_leaving_and_coming_back_without_a_connection(
    new_tab: NewTab, lived_in: User, letter: Letter
) -> None:
    tab = new_tab(signed_in(lived_in))
    read_then_write(tab, letter)
    tab.page.context.set_offline(True)

    by_shift(tab.page)
    wait_for_the_browsers_error_page(tab.page)
    tab.appeared.clear()
    tab.look_around(2)

    tab.page.context.set_offline(False)
    assert {*tab.look_around(2)} <= {LOCK}


def test_leaving_with_a_connection_and_coming_back_without(
    new_tab: NewTab, lived_in: User, letter: Letter
) -> None:
    tab = new_tab(signed_in(lived_in))
    read_then_write(tab, letter)

    tab.leave(by_click)
    tab.page.context.set_offline(True)

    tab.look_around(2)


def test_leaving_while_the_server_is_down_locks_when_it_is_up_again(
    new_tab: NewTab, site: Site, lived_in: User, letter: Letter
) -> None:
    tab = new_tab(signed_in(lived_in))
    read_then_write(tab, letter)
    site.stop()

    tab.leave(by_click)
    tab.look_around(2)

    site.start()
    assert {*tab.look_around(2)} <= {LOCK}


def test_leaving_does_not_wait_for_the_server(
    new_tab: NewTab, site: Site, lived_in: User, letter: Letter
) -> None:
    tab = new_tab(signed_in(lived_in))
    read_then_write(tab, letter)
    site.request_gate.hold("/leave/")

    tab.leave(by_click)

    assert site.request_gate.arrived.wait(PATIENCE)
    assert {*tab.look_around(2)} <= {LOCK}
    site.request_gate.open()


def test_back_leads_to_the_lock_while_leaving_is_under_way(
    new_tab: NewTab, site: Site, lived_in: User, letter: Letter
) -> None:
    """The session has moved to a new key, and the browser still sends the old cookie."""
    tab = new_tab(signed_in(lived_in))
    read_then_write(tab, letter)
    site.response_gate.hold("/leave/")

    tab.leave(by_shift)
    assert site.response_gate.arrived.wait(PATIENCE)

    assert {*tab.look_around(2)} <= {LOCK}
    tab.page.goto(f"/journal/{letter.pk}/")
    assert tab.path == LOCK
    tab.page.get_by_label("Password").fill(PASSWORD)
    tab.page.get_by_role("button", name="Unlock").first.click()
    expect(tab.page.locator("article")).to_contain_text(LETTER)
    site.response_gate.open()


def test_page_is_empty_before_the_neutral_one_answers(
    new_tab: NewTab, lived_in: User, letter: Letter
) -> None:
    tab = new_tab(signed_in(lived_in))
    read_then_write(tab, letter)
    NeutralPage.gate.hold("/")
    # Logged by the page itself once it is painted: it cannot be asked while it navigates.
    tab.page.evaluate(LOG_WHEN_PAINTED)

    with tab.page.expect_console_message(lambda message: "painted" in message.text) as message:
        by_shift(tab.page)

    assert json.loads(message.value.text)["painted"][1:] == [True, ""]
    assert NeutralPage.gate.arrived.wait(PATIENCE)
    NeutralPage.gate.open()
    expect(tab.page.locator("body")).to_have_text(NEUTRAL)
