"""The desk in Firefox and in WebKitGTK: words are saved by themselves, and none is lost."""

from datetime import datetime

import pytest

from accounts.models import User
from journal.models import Letter, Revision
from local.firefox_and_webkit import WEBKIT
from tests.engines.tab import IS_ON_PAPER, PAPER, Tab
from tests.support.letters import a_draft, bodies, earlier, words_of

EDIT = "/journal/[0-9a-f-]{36}/edit/"
SHOWS_ALL = "return arguments[0].scrollHeight <= arguments[0].clientHeight"


def test_page_that_reloads_in_the_middle_loses_nothing(tab: Tab, alice: User) -> None:
    tab.sit_down()
    tab.write_and_wait("Saved by itself.")
    tab.wait_for_path(EDIT)
    assert bodies(alice) == ["Saved by itself."]
    tab.paste(" And the rest.")

    tab.reload()

    tab.until(IS_ON_PAPER, "Saved by itself. And the rest.")
    tab.wait_for_copies(0)
    assert bodies(alice) == ["Saved by itself. And the rest."]


def test_tab_that_closes_brings_its_words_back(tab: Tab, alice: User, now: datetime) -> None:
    """No request of it has arrived: the next page finds them on the device."""
    draft = a_draft(alice, "Begun.", now=now)
    tab.site.request_gate.hold(f"/journal/{draft.pk}/autosave/")
    desk = tab.another()
    desk.sit_down(f"/journal/{draft.pk}/edit/")
    words = "\none" * 24
    desk.paste(words)

    desk.driver.close()

    tab.focus()
    tab.open(f"/journal/{draft.pk}/edit/")
    tab.until(IS_ON_PAPER, f"Begun.{words}")
    assert tab.until(SHOWS_ALL, tab.find(PAPER))
    tab.site.request_gate.open()
    tab.wait_for_copies(0)
    assert words_of(draft, alice).body == f"Begun.{words}"
    assert not Revision.objects.late().exists()


def test_two_tabs_of_one_letter_lose_no_words(tab: Tab, alice: User, now: datetime) -> None:
    draft = a_draft(alice, "Begun.", now=now)
    other = tab.another()
    for each in (other, tab):
        each.focus()
        each.sit_down(f"/journal/{draft.pk}/edit/")
    tab.write_and_wait(" Here.")

    other.focus()
    other.type(PAPER, " There.")

    other.find(f"[data-desk] a[href*='{draft.pk}']")
    other.wait_for_copies(0)
    assert words_of(draft, alice).body == "Begun. Here."
    assert earlier(draft, alice, late=True) == ["Begun. There."]
    assert Letter.objects.of(alice).count() == 1


@pytest.mark.parametrize("engine", [WEBKIT], indirect=True, scope="session")
def test_long_field_grows_by_script_where_styles_cannot(tab: Tab, alice: User) -> None:
    tab.open("/steps/2/hoping/")
    field = tab.find("main textarea")
    assert not tab.driver.execute_script("return CSS.supports('field-sizing', 'content')")
    before = field.size["height"]

    tab.type("main textarea", "one\n" * 24)

    tab.until(SHOWS_ALL, field)
    assert field.size["height"] > before + 100
