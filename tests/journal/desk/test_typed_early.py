"""Words typed before the desk’s script arrives: they are new, and nothing is written over them."""

import re
from datetime import datetime

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from journal.models import Revision
from tests.journal.desk.desk_page import (
    EDIT_OF,
    EDITING,
    KEPT,
    MORE,
    NEW,
    SAVE,
    SCRIPT,
    WORDS,
    Desk,
    lock,
    paper,
    refuse_autosaves,
    status,
    unlock,
    wait_for_script,
    write,
    write_unsaved,
)
from tests.support.browser import hold
from tests.support.device_copies import copies, wait_for_copies
from tests.support.letters import a_draft, bodies, earlier, words_of
from tests.support.live_site import NEUTRAL

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def type_early(page: Page, address: str, words: str = WORDS) -> None:
    """Open a page of the desk, and write before its script has arrived."""
    release = hold(page, SCRIPT)
    page.goto(address, wait_until="commit")
    write(page, words)
    release()


def test_words_typed_early_into_a_draft_are_saved(desk: Desk, alice: User, now: datetime) -> None:
    draft = a_draft(alice, "first", now=now)
    page = desk("/help/")

    with page.expect_response(SAVE):
        type_early(page, EDIT_OF % draft.pk)

    expect(status(page)).to_have_text(KEPT)
    expect(paper(page)).to_have_value(WORDS)
    assert words_of(draft, alice).body == WORDS


def test_words_typed_early_on_a_new_paper_are_saved(desk: Desk, alice: User) -> None:
    page = desk("/help/")

    type_early(page, NEW)

    expect(page).to_have_url(EDITING)
    assert bodies(alice) == [WORDS]


def test_leftover_copy_is_not_written_over_words_typed_early(
    desk: Desk, alice: User, now: datetime
) -> None:
    draft = a_draft(alice, "first", now=now)
    page = desk(EDIT_OF % draft.pk)
    lock(page)
    write_unsaved(page, MORE)
    page.goto("/today/")
    unlock(page)
    expect(page).to_have_url(re.compile("/today/$"))
    assert len(copies(page)) == 1

    type_early(page, EDIT_OF % draft.pk)

    expect(status(page)).to_contain_text("Both are saved")
    expect(paper(page)).to_have_value(WORDS)
    wait_for_copies(page, 0)
    both = [words_of(draft, alice).body, *earlier(draft, alice, late=True)]
    assert sorted(both) == sorted([MORE, WORDS])


def test_leftover_copy_is_not_written_over_a_new_paper_typed_early(desk: Desk, alice: User) -> None:
    """The page is the one that left the copy, reloaded."""
    page = desk()
    refuse_autosaves(page)
    write_unsaved(page, MORE)
    page.unroute(SAVE)
    release = hold(page, SCRIPT)

    page.reload(wait_until="commit")
    write(page, WORDS)
    release()

    expect(page).to_have_url(EDITING)
    expect(paper(page)).to_have_value(WORDS)
    wait_for_copies(page, 0)
    assert sorted(bodies(alice)) == sorted([MORE, WORDS])


def test_words_typed_early_are_there_after_leaving(desk: Desk, alice: User, now: datetime) -> None:
    draft = a_draft(alice, "first", now=now)
    page = desk("/help/", clock=True)
    type_early(page, EDIT_OF % draft.pk)
    wait_for_script(page)

    page.get_by_role("link", name="Leave now").click()
    expect(page.locator("body")).to_have_text(NEUTRAL)

    page.clock.resume()
    page.goto(EDIT_OF % draft.pk)
    unlock(page)
    expect(paper(page)).to_have_value(WORDS)
    wait_for_copies(page, 0)
    assert words_of(draft, alice).body == WORDS


def test_words_typed_early_are_there_after_going_to_the_shelf(
    desk: Desk, alice: User, now: datetime
) -> None:
    draft = a_draft(alice, "first", now=now)
    page = desk("/help/", clock=True)
    type_early(page, EDIT_OF % draft.pk)
    wait_for_script(page)

    page.get_by_role("link", name="Your shelf").click()

    expect(page).to_have_url(re.compile("/journal/$"))
    wait_for_copies(page, 0)
    page.goto(EDIT_OF % draft.pk)
    expect(paper(page)).to_have_value(WORDS)
    assert words_of(draft, alice).body == WORDS
    assert not Revision.objects.late().exists()
