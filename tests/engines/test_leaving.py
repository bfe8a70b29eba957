"""Leaving in Firefox and in WebKitGTK: nothing readable stays, and no word is lost."""

from datetime import datetime

import pytest

from accounts.models import User
from local.firefox_and_webkit import FIREFOX
from tests.engines.tab import IS_ON_PAPER, Driver, Tab
from tests.support.firefox import Firefox
from tests.support.letters import a_draft, a_letter, words_of

LOCK = "form[action^='/accounts/reauthenticate/'] input[type=password]"


def test_leaving_locks_and_loses_no_words(tab: Tab, alice: User, now: datetime) -> None:
    letter = a_letter(alice, "a lighthouse at Varr", now=now)
    draft = a_draft(alice, "Begun.", now=now)
    tab.open(f"/journal/{letter.pk}/")
    assert "lighthouse" in tab.words()
    tab.sit_down(f"/journal/{draft.pk}/edit/")
    tab.paste(" Left in a hurry.")

    tab.leave_by_shift()
    if isinstance(tab.driver, Firefox):
        tab.back()
    else:
        # WebKit’s driver may hang in a script while Back exchanges the page’s process.
        tab.open(f"/journal/{letter.pk}/")

    tab.find(LOCK)
    assert not [word for word in ("lighthouse", "Begun", "hurry") if word in tab.words()]
    tab.give_password()
    assert "lighthouse" in tab.words()
    tab.open(f"/journal/{draft.pk}/edit/")
    tab.until(IS_ON_PAPER, "Begun. Left in a hurry.")
    tab.wait_for_copies(0)
    assert words_of(draft, alice).body == "Begun. Left in a hurry."

    tab.leave_by_click()

    tab.open("/journal/")
    tab.find(LOCK)


def test_signing_out_deletes_what_waits_on_the_device(tab: Tab, alice: User, now: datetime) -> None:
    draft = a_draft(alice, "Begun.", now=now)
    tab.sit_down(f"/journal/{draft.pk}/edit/")
    tab.site.request_gate.hold(f"/journal/{draft.pk}/autosave/")
    tab.paste(" Never sent.")

    tab.open("/accounts/logout/")
    assert tab.copies() == 1
    tab.follow("form[data-device-copies-first] button")

    tab.wait_for_path("/")
    tab.until(
        "const said = document.querySelector('[data-device-copies]');"
        "return said.textContent && said.textContent === said.dataset.gone"
    )
    assert tab.copies() == 0


@pytest.mark.parametrize("engine", [FIREFOX], indirect=True, scope="session")
def test_cookies_that_are_blocked_break_nothing(visitor: Tab, engine: Driver) -> None:
    with engine.preferences(network_cookie_cookieBehavior=2):
        for address in ("/", "/steps/2/hoping/", "/learn/signs/", "/help/"):
            visitor.open(address)
            visitor.leave_by_shift()
        visitor.open("/accounts/signup/")
        visitor.type("input[name=email]", "dora@example.org")
        visitor.type("input[name=password1]", "seven quiet herons")
        visitor.click("input[name=consent]")
        visitor.follow("main form button")
        visitor.until("return document.querySelector('main')?.textContent.includes('cookies')")
