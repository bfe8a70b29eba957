"""Leaving and signing out reach the other tabs."""

import pytest
from playwright.sync_api import expect

from accounts.models import User
from journal.models import Letter, Opening
from tests.safety.leaving.tab import (
    LOCK,
    SIGN_IN,
    NewTab,
    by_click,
    first_line,
    other_tab,
    read_then_write,
)
from tests.support.browser import follow
from tests.support.live_site import NEUTRAL
from tests.support.people import signed_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.back_forward_cache,
    pytest.mark.django_db(transaction=True),
]


def test_leaving_takes_the_other_tabs_along(
    new_tab: NewTab, lived_in: User, letter: Letter
) -> None:
    tab = new_tab(signed_in(lived_in))
    other = other_tab(tab)
    read_then_write(other, letter)
    tab.page.goto("/help/gb/")

    tab.leave(by_click)

    expect(other.page.locator("body")).to_have_text(NEUTRAL)
    other.appeared.clear()
    assert {*other.look_around(2)} <= {LOCK}


def test_form_sent_after_signing_out_in_another_tab_stores_nothing(
    new_tab: NewTab, lived_in: User, letter: Letter
) -> None:
    tab = new_tab(signed_in(lived_in))
    other = other_tab(tab)
    first_line(other.page, letter)
    tab.page.goto("/accounts/logout/")
    follow(tab.page.locator("main").get_by_role("button", name="Sign out"))
    assert tab.path == "/"

    other.page.get_by_role("button", name="Save").click()

    expect(other.page.locator("h1")).to_have_text("You were signed out meanwhile")
    assert other.words() == []
    assert not Opening.objects.exists()
    other.page.goto(f"/journal/{letter.pk}/")
    other.appeared.clear()
    for _ in range(2):
        other.sees_nothing_private()
        other.back()
    assert other.path == SIGN_IN
