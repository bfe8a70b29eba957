"""The main job of the product in Firefox and in WebKitGTK, with their own scripts and without."""

import pytest

from accounts.models import User
from journal.models import Letter
from local.firefox_and_webkit import FIREFOX
from tests.engines.tab import NEW, PAPER, Driver, Tab
from tests.support.letters import words_of

WORDS = "I kept the ticket from the harbour.\n\nØ, 雪, e\u0301."


def do_main_job(tab: Tab, person: User) -> None:
    """Sign in, write a letter, keep it, and see it on the shelf."""
    tab.sign_in_with_password(person, onward=NEW)
    tab.type("input[name=to]", "M.")
    tab.type(PAPER, WORDS)
    tab.follow("button[name=then][value=close]")
    tab.follow("button[name=then][value=keep]")
    assert tab.find("article .written").get_property("textContent") == WORDS
    address = tab.path
    tab.open("/journal/")
    assert tab.find(".letters a").get_property("pathname") == address


def test_main_job(visitor: Tab, alice: User) -> None:
    do_main_job(visitor, alice)

    letter = Letter.objects.of(alice).get()
    assert (letter.state, words_of(letter, alice).body) == (Letter.State.KEPT, WORDS)


@pytest.mark.parametrize("engine", [FIREFOX], indirect=True, scope="session")
def test_main_job_without_scripts(visitor: Tab, engine: Driver, alice: User) -> None:
    with engine.preferences(javascript_enabled=False):
        do_main_job(visitor, alice)
        visitor.click("a.leave")
        visitor.wait_for_neutral_page()

    letter = Letter.objects.of(alice).get()
    assert (letter.state, words_of(letter, alice).body) == (Letter.State.KEPT, WORDS)
