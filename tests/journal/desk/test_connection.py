"""Connections that break, servers that do not answer, and responses that are lost."""

import re
from datetime import datetime

import pytest
from playwright.sync_api import expect

from accounts.models import User
from journal.models import Revision
from tests.journal.desk.desk_page import (
    EDIT_OF,
    KEPT,
    MORE,
    NEW,
    PASTE,
    RECORD_KEEPALIVE,
    SAVE,
    WORDS,
    Desk,
    autosaves,
    button,
    dispatch,
    lock,
    lose_response,
    paper,
    status,
    version,
    write,
    write_and_wait,
    write_unsaved,
)
from tests.support.device_copies import copies, wait_for_copies
from tests.support.letters import a_draft, bodies, words_of
from tests.support.live_site import Site
from tests.support.waiting import PATIENCE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_minute_without_a_connection(desk: Desk, alice: User) -> None:
    page = desk(clock=True)
    page.context.set_offline(True)
    write(page)
    page.clock.run_for(800)
    expect(status(page)).to_contain_text("on this device, encrypted. There is no connection")
    page.clock.run_for(60_000)
    expect(status(page)).to_contain_text("There is no connection")

    with page.expect_response(SAVE):
        page.context.set_offline(False)

    expect(status(page)).to_have_text(KEPT)
    assert bodies(alice) == [WORDS]


def test_autosave_is_retried_until_the_server_is_back(desk: Desk, alice: User, site: Site) -> None:
    page = desk(clock=True)
    site.stop()
    write(page)
    page.clock.run_for(800)
    expect(status(page)).to_contain_text("We cannot be reached")
    site.start()

    with page.expect_response(SAVE):
        page.clock.run_for(30_000)

    expect(status(page)).to_have_text(KEPT)
    assert bodies(alice) == [WORDS]


def test_lost_response_makes_no_second_letter_and_no_conflict(desk: Desk, alice: User) -> None:
    page = desk()
    page.route(SAVE, lose_response, times=1)
    write_unsaved(page)
    assert bodies(alice) == [WORDS]

    write(page, MORE)

    expect(status(page)).to_have_text(KEPT)
    expect(version(page)).to_have_value("2")
    assert bodies(alice) == [MORE]
    assert not Revision.objects.late().exists()


def test_button_does_not_lead_away_from_unsaved_words(desk: Desk, alice: User) -> None:
    page = desk()
    page.context.set_offline(True)
    write(page)

    button(page, "enough for today").click()

    expect(status(page)).to_contain_text("There is no connection")
    expect(paper(page)).to_have_value(WORDS)
    page.context.set_offline(False)
    expect(status(page)).to_have_text(KEPT)
    assert bodies(alice) == [WORDS]


def test_button_that_cannot_submit_scrolls_to_the_reason(desk: Desk) -> None:
    page = desk()
    page.set_viewport_size({"width": 320, "height": 240})
    page.context.set_offline(True)
    write(page)

    button(page, "enough for today").click()

    expect(status(page)).to_contain_text("There is no connection")
    expect(status(page)).to_be_in_viewport()


@pytest.mark.parametrize("door", ["/journal/token/", "autosave/"])
def test_request_without_a_response_times_out_and_is_retried(
    desk: Desk, site: Site, alice: User, door: str
) -> None:
    page = desk(clock=True)
    if door == "autosave/":
        door = f"/journal/{page.locator('main form [name=id]').input_value()}/autosave/"
    site.request_gate.hold(door)
    write(page)
    dispatch(page, "focus" if "token" in door else "input")
    page.clock.run_for(800)
    assert site.request_gate.arrived.wait(PATIENCE)

    page.clock.run_for(21_000)

    expect(status(page)).to_contain_text("We cannot be reached")
    site.request_gate.open()
    page.clock.run_for(30_000)
    expect(status(page)).to_have_text(KEPT)
    assert bodies(alice) == [WORDS]


def test_long_letter_has_a_longer_timeout(desk: Desk, site: Site, alice: User) -> None:
    page = desk(clock=True)
    id = page.locator("main form [name=id]").input_value()
    site.request_gate.hold(f"/journal/{id}/autosave/")
    paper(page).evaluate(PASTE, "long " * 10_000)
    page.clock.run_for(800)
    assert site.request_gate.arrived.wait(PATIENCE)

    page.clock.run_for(40_000)
    site.request_gate.open()

    expect(status(page)).to_have_text(KEPT)
    assert bodies(alice) == ["long " * 10_000]


def test_emptied_paper_leaves_no_copy(desk: Desk) -> None:
    page = desk()
    page.context.set_offline(True)
    write_unsaved(page)
    assert len(copies(page)) == 1

    write(page, "")

    expect(status(page)).to_have_text("")
    wait_for_copies(page, 0)


def test_emptied_paper_does_not_say_that_it_is_saved(desk: Desk, alice: User) -> None:
    page = desk()
    write_and_wait(page)

    write(page, "")

    expect(status(page)).to_contain_text("Your letter still holds what was saved before")
    assert bodies(alice) == [WORDS]
    write(page, WORDS)
    expect(status(page)).to_have_text("")
    assert write_and_wait(page, MORE) == 200
    expect(status(page)).to_have_text(KEPT)


def test_words_changed_back_leave_no_copy(desk: Desk, alice: User, now: datetime) -> None:
    draft = a_draft(alice, "first", now=now)
    page = desk(EDIT_OF % draft.pk)
    lock(page)
    dispatch(page, "focus")
    write_unsaved(page)
    assert len(copies(page)) == 1

    write(page, "first")

    expect(status(page)).to_have_text("")
    wait_for_copies(page, 0)


def test_words_changed_back_after_a_lost_response_are_saved(
    desk: Desk, alice: User, now: datetime
) -> None:
    draft = a_draft(alice, "first", now=now)
    page = desk(EDIT_OF % draft.pk)
    page.route(SAVE, lose_response, times=1)
    write_unsaved(page)
    assert words_of(draft, alice).body == WORDS

    write(page, "first")

    expect(version(page)).to_have_value("3")
    assert words_of(draft, alice).body == "first"


def test_second_request_of_a_closing_page_keeps_to_the_browsers_limit(
    desk: Desk, site: Site, alice: User
) -> None:
    """The browser would refuse a second long one with `keepalive`."""
    page = desk()
    page.evaluate(RECORD_KEEPALIVE)
    address = f"/journal/{page.locator('main form [name=id]').input_value()}/autosave/"
    site.response_gate.hold(address)
    paper(page).evaluate(PASTE, "x" * 40_000)
    site.wait_for("/autosave/")
    paper(page).evaluate(PASTE, "y" * 40_000)

    page.evaluate("() => document.dispatchEvent(new Event('leaving'))")

    site.wait_for("/autosave/")
    assert page.evaluate("() => window.keepalive") == [True, False]
    assert bodies(alice) == ["y" * 40_000]


@pytest.mark.parametrize("turned_away", [400, 413])
def test_words_too_long_for_a_proxy_stay_on_the_paper(desk: Desk, turned_away: int) -> None:
    page = desk(clock=True)
    sent = autosaves(page)
    page.route(SAVE, lambda route: route.fulfill(status=turned_away, body="<h1>No</h1>"))
    write(page)

    page.clock.run_for(800)
    expect(status(page)).to_contain_text("on this device, encrypted. This is longer than one")
    page.clock.run_for(60_000)
    button(page, "Save").click()

    expect(status(page)).to_contain_text("longer than one letter holds")
    assert len(sent) == 2
    expect(paper(page)).to_have_value(WORDS)


def test_autosave_is_retried_until_the_key_opens(desk: Desk, alice: User) -> None:
    page = desk(clock=True)
    page.route(SAVE, lambda route: route.fulfill(status=503, json={"said": "Not now."}), times=1)
    write(page)
    page.clock.run_for(800)
    expect(status(page)).to_have_text("Your words are on this device, encrypted. Not now.")

    page.clock.run_for(30_000)

    expect(status(page)).to_have_text(KEPT)
    assert bodies(alice) == [WORDS]


def test_enter_in_the_name_moves_to_the_paper(desk: Desk) -> None:
    page = desk()
    name = page.get_by_label("Dear")
    name.fill("M.")
    name.dispatch_event("keydown", {"key": "Enter", "isComposing": True})
    expect(name).to_be_focused()

    name.press("Enter")

    expect(paper(page)).to_be_focused()
    expect(page).to_have_url(re.compile(NEW))
