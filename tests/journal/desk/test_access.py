"""Signed out, locked, or another person's session: no word is lost or stored as theirs."""

import re
from datetime import datetime

import pytest
from django.conf import settings
from playwright.sync_api import expect

from accounts.models import User
from journal.models import Revision
from tests.journal.desk.desk_page import (
    KEPT,
    MORE,
    NEW,
    SAVE,
    WORDS,
    Desk,
    autosaves,
    dispatch,
    lock,
    other_tab,
    paper,
    refuse_autosaves,
    sign_in,
    status,
    unlock,
    write,
    write_and_wait,
    write_unsaved,
)
from tests.support.client import Client
from tests.support.device_copies import copies
from tests.support.letters import bodies

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_words_are_saved_after_signing_in_again_in_another_tab(
    desk: Desk, as_alice: Client, alice: User, now: datetime
) -> None:
    page = desk()
    as_alice.post("/accounts/logout/")

    write_unsaved(page)

    expect(status(page)).to_contain_text("You have been signed out")
    expect(paper(page)).to_have_value(WORDS)
    assert bodies(alice) == []
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Unlock").click()
    sign_in(opened.value, alice, now)
    expect(opened.value).to_have_url(re.compile(NEW))
    expect(status(page)).to_have_text(KEPT)
    assert write_and_wait(page, MORE) == 200
    assert bodies(alice) == [MORE]


def test_words_are_saved_after_unlocking_in_another_tab(desk: Desk, alice: User) -> None:
    page = desk()
    write_and_wait(page)
    lock(page)

    write_unsaved(page, MORE)

    expect(status(page)).to_contain_text("or your pages are locked")
    assert bodies(alice) == [WORDS]
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Unlock").click()
    unlock(opened.value)
    expect(paper(opened.value)).to_have_value(MORE)
    expect(status(page)).to_have_text(KEPT)
    assert bodies(alice) == [MORE]
    assert not Revision.objects.late().exists()


def test_locked_page_retries_by_itself(desk: Desk, alice: User) -> None:
    page = desk(clock=True)
    lock(page)
    write(page)
    page.clock.run_for(800)
    expect(status(page)).to_contain_text("or your pages are locked")
    door = other_tab(page, "/you/")
    unlock(door)
    expect(door).to_have_url(re.compile("/you/$"))

    with page.expect_response(SAVE):
        page.clock.run_for(30_000)

    expect(status(page)).to_have_text(KEPT)
    assert bodies(alice) == [WORDS]


def test_page_without_its_token_fetches_a_fresh_one(desk: Desk, alice: User) -> None:
    page = desk()
    page.context.clear_cookies(name=settings.CSRF_COOKIE_NAME)

    write(page)

    expect(status(page)).to_have_text(KEPT)
    assert bodies(alice) == [WORDS]


def test_nothing_is_sent_while_somebody_else_is_signed_in(
    desk: Desk, as_alice: Client, alice: User, bob: User, now: datetime
) -> None:
    page = desk(clock=True)
    page.context.set_offline(True)
    write(page)
    page.clock.run_for(800)
    expect(status(page)).to_contain_text("There is no connection")
    # Back online, but its first autosave fails: it next checks when the page has focus again.
    refuse_autosaves(page)
    page.context.set_offline(False)
    as_alice.post("/accounts/logout/")
    other = other_tab(page, "/accounts/login/")
    sign_in(other, bob, now)
    expect(other).to_have_url(re.compile("/today/$"))
    page.unroute(SAVE)
    sent = autosaves(page)

    for event in ("focus", "online"):
        # The clock may only run once the answer is read: it would end the request.
        status(page).locator("[data-desk-said]").evaluate("(words) => words.replaceChildren()")
        dispatch(page, event)
        expect(status(page)).to_contain_text("Somebody else is signed in here now")
    # Retries would keep the other person's session from being idle.
    asked: list[str] = []
    page.on("request", lambda each: asked.append(each.url))
    page.clock.run_for(120_000)
    assert asked == []
    his = other_tab(page, NEW)
    his_sent = autosaves(his)
    expect(status(his)).to_have_text("")
    with his.expect_response(SAVE):
        write(his, "his own")
        # The clock stands still in this tab too.
        his.clock.run_for(800)
    assert len(his_sent) == 1
    assert sent == []
    expect(paper(page)).to_have_value(WORDS)
    assert len(copies(page)) == 1
    assert (bodies(alice), bodies(bob)) == ([], ["his own"])


def test_words_written_while_somebody_else_signs_in_are_not_saved_as_theirs(
    desk: Desk, as_alice: Client, alice: User, bob: User, now: datetime
) -> None:
    """The page never lost focus, so it had no reason to check who is signed in."""
    page = desk()
    write_and_wait(page)
    as_alice.post("/accounts/logout/")
    other = other_tab(page, "/accounts/login/")
    sign_in(other, bob, now)
    expect(other).to_have_url(re.compile("/today/$"))

    write(page, MORE)

    expect(status(page)).to_contain_text("Somebody else is signed in here now")
    assert (bodies(alice), bodies(bob)) == ([WORDS], [])
