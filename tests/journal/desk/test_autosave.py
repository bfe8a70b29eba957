"""Words are saved while they are written, byte for byte."""

import re
from datetime import datetime, timedelta

import pytest
import time_machine
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import User
from journal.forms import MAX_CHARACTERS
from tests.journal.desk.desk_page import (
    EDIT_OF,
    EDITING,
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
    paper,
    status,
    version,
    write,
    write_and_wait,
    write_unsaved,
)
from tests.support.client import Client
from tests.support.device_copies import copies, wait_for_copies
from tests.support.letters import a_draft, bodies, words_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_words_are_saved_while_they_are_written(desk: Desk, alice: User) -> None:
    page = desk()

    write_and_wait(page)

    expect(status(page)).to_have_text(KEPT)
    expect(page).to_have_url(EDITING)
    assert bodies(alice) == [WORDS]


def test_draft_is_changed_as_often_as_it_is_edited(desk: Desk, alice: User, now: datetime) -> None:
    draft = a_draft(alice, WORDS, now=now)
    page = desk(EDIT_OF % draft.pk)
    expect(paper(page)).to_have_value(WORDS)

    for words in (MORE, WORDS, MORE):
        assert write_and_wait(page, words) == 200

    assert words_of(draft, alice).body == MORE
    expect(version(page)).to_have_value("4")


def test_copy_on_the_device_is_deleted_once_the_words_are_saved(desk: Desk) -> None:
    page = desk()
    page.context.set_offline(True)
    write_unsaved(page)
    assert len(copies(page)) == 1

    page.context.set_offline(False)

    expect(status(page)).to_have_text(KEPT)
    wait_for_copies(page, 0)


def test_continuous_typing_is_saved_every_five_seconds(desk: Desk, alice: User) -> None:
    page = desk(clock=True)
    sent = autosaves(page)

    for _ in range(9):
        paper(page).press_sequentially("a")
        page.clock.run_for(500)
    assert sent == []
    with page.expect_response(SAVE):
        paper(page).press_sequentially("a")
        page.clock.run_for(500)

    assert bodies(alice) == ["a" * 10]


RECORD_STATUS = """
() => {
  window.heard = [];
  const status = document.querySelector("[data-desk]");
  new MutationObserver(() => window.heard.push(status.textContent))
    .observe(status, { childList: true, subtree: true });
}
"""


def test_status_changes_at_most_once_a_minute(desk: Desk) -> None:
    page = desk(clock=True)
    page.evaluate(RECORD_STATUS)
    now = timezone.now()

    for minute in range(4):
        # With a new time to show each minute.
        with time_machine.travel(now + timedelta(minutes=minute)):
            write(page, f"{WORDS}{minute}")
            page.clock.run_for(800)
            expect(version(page)).to_have_value(str(minute + 1))
        page.clock.run_for(20_000)

    first, last = page.evaluate("() => window.heard")
    assert re.search(KEPT, first)
    assert re.search(KEPT, last)
    assert first != last


def test_device_clock_that_is_hours_off_loses_no_word(desk: Desk, alice: User) -> None:
    page = desk(clock=True)
    now = timezone.now()

    for turn, hours in enumerate((0, -5, 9)):
        at = now + timedelta(minutes=turn)
        page.clock.set_system_time(now + timedelta(hours=hours))
        with time_machine.travel(at):
            write(page, f"{WORDS}{hours}")
            page.clock.run_for(800)
            # The server's clock, in her time zone.
            time = f"{timezone.localtime(at, alice.zone):%-I:%M %p}".lower()
            expect(status(page)).to_contain_text(f"Saved at {time}")
        page.clock.run_for(60_000)

    assert bodies(alice) == [f"{WORDS}9"]
    wait_for_copies(page, 0)


def test_letter_of_100_000_characters_is_saved(desk: Desk, alice: User) -> None:
    page = desk()
    words = (WORDS * (MAX_CHARACTERS // len(WORDS) + 1))[:MAX_CHARACTERS]

    with page.expect_response(SAVE) as answer:
        paper(page).evaluate(PASTE, words)

    assert answer.value.status == 200
    assert bodies(alice) == [words]


def test_autosave_outlives_its_page_unless_it_is_too_long_for_the_browser(desk: Desk) -> None:
    """Browsers refuse `keepalive` for more than 64 KiB."""
    page = desk()
    page.evaluate(RECORD_KEEPALIVE)

    for words in (WORDS, "x" * 70_000):
        with page.expect_response(SAVE) as answer:
            paper(page).evaluate(PASTE, words)
        assert answer.value.status == 200

    assert page.evaluate("() => window.keepalive") == [True, False]


def test_letter_that_is_too_long_stays_on_the_paper(desk: Desk, alice: User) -> None:
    page = desk()
    write_and_wait(page)

    with page.expect_response(SAVE) as answer:
        paper(page).evaluate(PASTE, "x" * (MAX_CHARACTERS + 1))

    assert answer.value.status == 422
    expect(status(page)).to_contain_text("longer than one letter holds")
    expect(paper(page)).to_have_value("x" * (MAX_CHARACTERS + 1))
    assert len(copies(page)) == 1
    assert bodies(alice) == [WORDS]


def test_button_submits_the_letter_once(desk: Desk, alice: User) -> None:
    page = desk()
    write(page)

    with page.expect_response(lambda answer: answer.request.is_navigation_request()) as answer:
        button(page, "enough for today").click()

    assert answer.value.status == 302
    assert answer.value.headers["location"].endswith("/close/")
    expect(page).to_have_url(re.compile("/close/$"))
    assert bodies(alice) == [WORDS]
    wait_for_copies(page, 0)


def test_sentence_starter_replaces_no_selected_text(
    desk: Desk, as_alice: Client, alice: User
) -> None:
    as_alice.post(f"{NEW}lines/", {"opening": "Since the ferry left,"})
    page = desk(clock=True)
    write(page, "one two")
    paper(page).evaluate("paper => paper.setSelectionRange(0, 3)")

    button(page, "What I needed was").click()
    button(page, "Since the ferry left").click()

    words = "oneWhat I needed was Since the ferry left,  two"
    expect(paper(page)).to_have_value(words)
    expect(paper(page)).to_be_focused()
    page.clock.run_for(800)
    expect(status(page)).to_have_text(KEPT)
    assert bodies(alice) == [words]


RECORD_BELL = """
() => {
  window.rung = [];
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...when) {
    window.rung.push(this.context.state);
    start.apply(this, when);
  };
}
"""


def test_bell_rings_once_and_shows_no_countdown(desk: Desk) -> None:
    page = desk(clock=True)
    page.evaluate(RECORD_BELL)
    before = page.locator("main").inner_text()
    page.get_by_label("A soft bell").check()

    page.clock.run_for(20 * 60_000 - 1)
    assert page.locator("main").inner_text() == before
    page.clock.run_for(1)

    expect(page.locator("[data-bell-said]")).to_contain_text("Twenty minutes have gone by")
    expect(page.get_by_label("A soft bell")).not_to_be_checked()
    assert page.evaluate("() => window.rung") == ["running"]
