"""Back, Forward and the history after leaving, on every kind of page."""

from collections.abc import Callable
from datetime import datetime

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from journal.models import Letter, LetterContents
from tests.safety.leaving.tab import (
    DEAR,
    KINDS,
    LETTER,
    LOCK,
    NewTab,
    by_click,
    by_keyboard,
    by_shift,
    desk,
    letter_itself,
    see,
)
from tests.support.people import signed_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.back_forward_cache,
    pytest.mark.django_db(transaction=True),
]


def test_browser_restores_pages_from_its_cache(new_tab: NewTab, neutral_url: str) -> None:
    """Otherwise no test here would show anything."""
    tab = new_tab()
    tab.page.goto("/learn/signs/")
    tab.page.goto(neutral_url)
    tab.page.evaluate("() => { window.kept = 'as it was' }")
    tab.page.goto("/learn/signs/")

    tab.back()

    assert tab.page.evaluate("() => window.kept") == "as it was"
    assert (True, []) in tab.appeared


def test_page_restored_while_signed_in_loads_itself_again(
    new_tab: NewTab, lived_in: User, letter: Letter, neutral_url: str, now: datetime
) -> None:
    tab = new_tab(signed_in(lived_in))
    # The first response after a sign-in sets a cookie, so Chromium does not cache that page.
    tab.page.goto("/today/")
    letter_itself(tab.page, letter)
    assert tab.words() == [LETTER, DEAR]
    tab.page.goto(neutral_url)
    letter.seal(lived_in.key, LetterContents(to="", body="Changed meanwhile."), now=now)
    letter.save()

    tab.page.go_back(wait_until="commit")
    expect(tab.page.locator("article")).to_contain_text("Changed meanwhile.")

    assert (True, []) in tab.appeared


WAYS = [by_click, by_keyboard, by_shift]


@pytest.mark.parametrize(("turn", "leave"), [*enumerate(WAYS)])
def test_no_kind_of_page_shows_a_private_word_after_leaving(
    new_tab: NewTab, lived_in: User, letter: Letter, turn: int, leave: Callable[[Page], None]
) -> None:
    """A third of all kinds in each way, and the page for editing in all three.

    One after another in the same tab, in which they sign in again each time.
    """
    tab = new_tab(signed_in(lived_in))
    for kind in {"editing": None, **dict.fromkeys([*KINDS][turn :: len(WAYS)])}:
        # The first response after a sign-in sets a cookie, so Chromium does not cache that page.
        tab.page.goto("/you/" if kind == "today" else "/today/")
        see(kind, tab, letter)

        tab.leave(leave)

        tab.back()
        tab.sees_nothing_private(kind)
        assert (kind, tab.path) == (kind, LOCK)
        tab.sign_in(lived_in)


# Four in one history: browsers keep six pages.
FOURS = [[*KINDS][at : at + 4] for at in range(0, len(KINDS), 4)]
# Open to anyone.
OPEN = {"/steps/1/filling-in/", "/steps/1/", "/nowhere/", "/learn/signs/", "/help/gb/"}


@pytest.mark.parametrize("kinds", FOURS, ids=", ".join)
def test_every_kind_of_page_in_the_history_asks_for_the_password_without_scripts(
    new_tab: NewTab, lived_in: User, letter: Letter, kinds: list[str]
) -> None:
    tab = new_tab(signed_in(lived_in), scripts=False)
    tab.page.goto("/journal/")
    for kind in kinds:
        see(kind, tab, letter)

    tab.leave(by_click)

    # A form that is given back is two pages.
    paths = tab.look_around(1 + len(kinds) + kinds.count("given back"))
    assert {LOCK} <= {*paths} <= {LOCK, *OPEN}
    for kind in {"today", "letter", "you"} & {*kinds}:
        KINDS[kind][0](tab.page, letter)
        tab.sees_nothing_private(kind)
        assert (kind, tab.path) == (kind, LOCK)


IN_THE_HISTORY = ["today", "letter", "exercise", "you", "editing"]


def test_every_page_in_the_history_asks_for_the_password(
    new_tab: NewTab, lived_in: User, letter: Letter
) -> None:
    tab = new_tab(signed_in(lived_in))
    for kind in IN_THE_HISTORY:
        KINDS[kind][0](tab.page, letter)
    desk(tab.page, letter)

    tab.leave(by_click)

    assert {*tab.look_around(5)} - {"/steps/1/filling-in/"} <= {LOCK}
    tab.far_back(4)
    tab.sees_nothing_private()
    for address in ("/today/", f"/journal/{letter.pk}/", "/you/"):
        tab.page.goto(address)
        tab.sees_nothing_private()
        assert tab.path == LOCK


def test_page_ahead_in_the_history_shows_nothing(
    new_tab: NewTab, lived_in: User, letter: Letter
) -> None:
    """Leaving replaces one page in the history. Those ahead of it stay there."""
    tab = new_tab(signed_in(lived_in))
    tab.page.goto("/today/")
    letter_itself(tab.page, letter)
    tab.back()

    tab.leave(by_click)
    tab.forward()

    tab.sees_nothing_private()
    assert tab.path == LOCK
