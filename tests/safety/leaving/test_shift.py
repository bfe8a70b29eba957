"""Pressing Shift three times leaves, and typing capitals does not."""

import pytest
from playwright.sync_api import expect

from accounts.models import User
from journal.models import Letter
from tests.safety.leaving.tab import TYPED, NewTab, by_click, by_shift, desk, other_tab
from tests.support.people import signed_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_capitals_do_not_leave(new_tab: NewTab, lived_in: User, letter: Letter) -> None:
    tab = new_tab(signed_in(lived_in))
    desk(tab.page, letter)

    for capital in "THISISNOTACRYFORHELP":
        tab.page.keyboard.press(f"Shift+{capital}")

    expect(tab.page.locator("main textarea")).to_have_value(f"{TYPED}THISISNOTACRYFORHELP")


def test_shift_with_something_between_does_not_leave(
    new_tab: NewTab, lived_in: User, letter: Letter
) -> None:
    tab = new_tab(signed_in(lived_in))
    desk(tab.page, letter)
    keys = tab.page.keyboard

    for between in ("a", "Enter", "ArrowLeft", "Control", "Shift+B"):
        keys.press("Shift")
        keys.press("Shift")
        keys.press(between)
    keys.press("Shift")
    keys.press("Shift")
    tab.page.locator("main textarea").click()
    keys.press("Shift")

    # Leaving would have emptied the page at once.
    assert tab.words() == [TYPED]
    assert tab.path.startswith("/journal/")


def test_shift_can_be_turned_off_and_on_in_this_browser(
    new_tab: NewTab, lived_in: User, letter: Letter
) -> None:
    tab = new_tab(signed_in(lived_in))
    tab.page.goto("/safety/")
    tab.page.get_by_role("button", name="Turn Shift off").click()
    expect(tab.page.get_by_role("button", name="Turn Shift on")).to_be_focused()
    # In a cookie, since signing out clears all other storage.
    assert tab.page.evaluate("() => Object.keys(localStorage)") == []
    [kept] = (each for each in tab.page.context.cookies() if each["name"] == "shift")
    assert (kept["value"], kept["sameSite"], kept["path"]) == ("off", "Lax", "/")
    desk(tab.page, letter)
    by_shift(tab.page)
    assert tab.words() == [TYPED]
    by_click_only = other_tab(tab)
    by_click_only.page.goto("/today/")
    by_click_only.leave(by_click)
    tab.has_left()

    tab.page.goto("/safety/")
    tab.page.get_by_role("button", name="Turn Shift on").click()
    tab.leave(by_shift)


def test_shift_is_not_offered_without_scripts(new_tab: NewTab) -> None:
    tab = new_tab(scripts=False)
    tab.page.goto("/safety/")

    expect(tab.page.get_by_role("button", name="Turn Shift off")).to_be_hidden()
