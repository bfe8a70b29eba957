"""Leaving and signing out: words are handed over, and none is readable on the device."""

import re
from contextlib import suppress
from datetime import datetime

import pytest
from playwright.sync_api import Error, Page, expect

from accounts.models import User
from tests.journal.desk.desk_page import (
    EDIT_OF,
    NEW,
    SAVE,
    WORDS,
    Desk,
    button,
    dispatch,
    other_tab,
    paper,
    refuse_autosaves,
    status,
    unlock,
    write,
    write_and_wait,
    write_unsaved,
)
from tests.support.device_copies import STORED, copies, wait_for_copies
from tests.support.letters import a_draft, bodies
from tests.support.live_site import NEUTRAL, NeutralPage, Site

pytestmark = [
    pytest.mark.browser,
    pytest.mark.back_forward_cache,
    pytest.mark.django_db(transaction=True),
]


def private_words_in(page: Page) -> list[str]:
    found = " ".join(page.evaluate(STORED)) + "".join(
        each.decode("utf-8", "replace") + each.decode("utf-16", "replace") for each in copies(page)
    )
    return [word for word in ("ticket", "Øskarshavn", "雪が降る", "them") if word in found]


def test_words_are_there_after_leaving_in_the_middle_of_a_line(desk: Desk, alice: User) -> None:
    page = desk(clock=True)
    write(page)
    page.clock.run_for(100)
    wait_for_copies(page, 1)

    page.get_by_role("link", name="Leave now").click()
    expect(page.locator("body")).to_have_text(NEUTRAL)

    page.clock.resume()
    page.goto("/help/")
    assert private_words_in(page) == []
    page.goto(NEW)
    unlock(page)
    expect(page).to_have_url(re.compile(NEW))
    expect(status(page)).to_contain_text("are saved now")
    page.get_by_role("link", name="Open them").click()
    expect(paper(page)).to_have_value(WORDS)
    assert bodies(alice) == [WORDS]
    wait_for_copies(page, 0)


def test_words_refused_by_the_lock_are_there_after_leaving(
    desk: Desk, site: Site, alice: User, now: datetime
) -> None:
    draft = a_draft(alice, "first", now=now)
    address = EDIT_OF % draft.pk
    page = desk(address)
    site.request_gate.hold(f"/journal/{draft.pk}/autosave/")
    write(page)

    page.get_by_role("link", name="Leave now").click()
    expect(page.locator("body")).to_have_text(NEUTRAL)
    site.wait_for("/leave/")
    site.request_gate.open()
    site.wait_for("/autosave/")

    assert bodies(alice) == ["first"]
    page.goto("/help/")
    assert private_words_in(page) == []
    assert len(copies(page)) == 1
    page.goto(address)
    unlock(page)
    expect(page).to_have_url(re.compile(address))
    expect(paper(page)).to_have_value(WORDS)
    expect(status(page)).to_contain_text("are on the paper again. Saved at")
    assert bodies(alice) == [WORDS]


def leave_by_shift(page: Page) -> None:
    """Playwright waits for where a click leads, and not for where keys lead."""
    for _ in range(3):
        page.keyboard.press("Shift")


def test_words_are_sent_before_the_page_is_gone(desk: Desk, site: Site) -> None:
    page = desk(clock=True)
    NeutralPage.gate.hold("/")
    write(page)

    leave_by_shift(page)

    site.wait_for("/autosave/")
    NeutralPage.gate.open()
    expect(page.locator("body")).to_have_text(NEUTRAL)


def test_words_of_another_tab_are_sent_before_it_is_gone(desk: Desk, site: Site) -> None:
    page = desk(clock=True)
    other = other_tab(page, "/today/")
    NeutralPage.gate.hold("/")
    write(page)

    leave_by_shift(other)

    site.wait_for("/autosave/")
    NeutralPage.gate.open()
    expect(page.locator("body")).to_have_text(NEUTRAL)


def test_words_in_another_tab_are_there_after_leaving(desk: Desk, alice: User) -> None:
    page = desk(clock=True)
    other = other_tab(page, "/today/")
    write(page)
    page.clock.run_for(100)
    wait_for_copies(page, 1)

    other.get_by_role("link", name="Leave now").click()
    expect(page.locator("body")).to_have_text(NEUTRAL)

    page.clock.resume()
    page.goto(NEW)
    unlock(page)
    expect(status(page)).to_contain_text("are saved now")
    assert bodies(alice) == [WORDS]


def sign_out(page: Page) -> None:
    page.goto("/accounts/logout/")
    button(page, "Sign out").click()
    # The address of the sign-out page ends with a slash too.
    expect(page).to_have_url(re.compile("(?<!logout)/$"))


def test_signing_out_leaves_nothing_in_this_browser(desk: Desk) -> None:
    page = desk()
    page.evaluate("() => { localStorage.setItem('a', 'b'); sessionStorage.setItem('a', 'b') }")
    refuse_autosaves(page)
    write_unsaved(page)
    assert page.evaluate(STORED) == ["a", "b", "a", "b", "desk"]

    sign_out(page)

    assert page.evaluate(STORED) == []


LOG_WHEN_CLOSED = """
const close = IDBDatabase.prototype.close;
IDBDatabase.prototype.close = function () {
  close.apply(this);
  console.debug("looked");
};
"""


def test_copy_is_made_again_after_signing_out_in_another_tab(desk: Desk) -> None:
    page = desk(clock=True)
    refuse_autosaves(page)
    write(page)
    page.clock.run_for(800)
    expect(status(page)).to_contain_text("on this device, encrypted")
    other = page.context.new_page()
    sign_out(other)

    dispatch(page, "focus")

    expect(status(page)).to_contain_text("on this device, encrypted. You have been signed out")
    assert len(copies(page)) == 1


def test_sign_out_page_warns_of_unsaved_words(desk: Desk, alice: User) -> None:
    page = desk()
    warning = page.get_by_text("Words are waiting on this device")
    refuse_autosaves(page)
    write_unsaved(page)

    page.goto("/accounts/logout/")

    expect(warning).to_be_visible()
    page.unroute(SAVE)
    page.get_by_role("link", name="Open my shelf first").click()
    expect(status(page)).to_contain_text("are saved now")
    wait_for_copies(page, 0)
    # The page opens the database to look for copies, and closes it again.
    page.add_init_script(LOG_WHEN_CLOSED)
    with page.expect_console_message(lambda message: message.text == "looked"):
        page.goto("/accounts/logout/")
    expect(warning).to_be_hidden()


def test_back_after_signing_out_shows_no_word(desk: Desk) -> None:
    page = desk()
    write_and_wait(page)
    sign_out(page)

    for _ in range(2):
        # A page that was restored loads itself again, which may end the navigation back.
        with suppress(Error):
            page.go_back(wait_until="commit")
        page.wait_for_function("() => document.body?.childElementCount > 0")
        assert "ticket" not in page.content()
        assert page.locator("textarea").count() == 0
    assert "/accounts/login/" in page.url


def test_closing_the_page_asks_nothing(desk: Desk) -> None:
    page = desk()
    asked: list[str] = []
    page.on("dialog", lambda dialog: asked.append(dialog.type))
    page.context.set_offline(True)
    # Without a user gesture a browser asks nothing.
    paper(page).click()
    page.keyboard.type("I kept the ticket.")
    expect(status(page)).to_contain_text("on this device, encrypted")

    with page.expect_event("close"):
        page.close(run_before_unload=True)

    assert asked == []
