"""Encrypted copies on the device: they are delivered, or wait for a decision."""

from datetime import datetime

import pytest
from django.conf import settings
from playwright.sync_api import expect

from accounts.models import User
from journal.letter_actions import throw_away
from journal.models import Letter, Revision
from tests.journal.desk.desk_page import (
    EDIT_OF,
    KEPT,
    MORE,
    NEW,
    SAVE,
    WORDS,
    Desk,
    autosaves,
    button,
    lose_response,
    other_tab,
    paper,
    refuse_autosaves,
    status,
    write,
    write_and_wait,
    write_unsaved,
)
from tests.support.client import Client
from tests.support.device_copies import copies, wait_for_another_copy, wait_for_copies
from tests.support.letters import a_draft, bodies, earlier, words_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


# Every copy with its place and its bytes.
READ_RECORDS = """
async () => {
  const desk = await new Promise((done) => {
    const asked = indexedDB.open("desk");
    asked.onsuccess = () => done(asked.result);
  });
  const copies = desk.transaction("copies").objectStore("copies");
  const every = (what) => new Promise((done) => (what.onsuccess = () => done(what.result)));
  const [places, records] = [await every(copies.getAllKeys()), await every(copies.getAll())];
  desk.close();
  return records.map(({ iv, bytes }, at) => [places[at], [...iv], [...new Uint8Array(bytes)]]);
}
"""

# Put such a copy back.
PUT_RECORD = """
async ([place, iv, bytes]) => {
  const desk = await new Promise((done) => {
    const asked = indexedDB.open("desk");
    asked.onsuccess = () => done(asked.result);
  });
  const writing = desk.transaction("copies", "readwrite");
  const record = { iv: new Uint8Array(iv), bytes: new Uint8Array(bytes).buffer };
  writing.objectStore("copies").put(record, place);
  await new Promise((done) => (writing.oncomplete = done));
  desk.close();
}
"""

# A page that has delivered what it can tells the other tabs.
LOG_TAB_MESSAGES = """
() => {
  window.tabs = new BroadcastChannel("desk");
  window.tabs.addEventListener("message", ({ data }) => console.debug(data));
}
"""


def test_copies_are_delivered_from_any_desk(desk: Desk, alice: User, now: datetime) -> None:
    draft = a_draft(alice, "first", now=now)
    page = desk(EDIT_OF % draft.pk)
    refuse_autosaves(page)
    write_unsaved(page)
    page.unroute(SAVE)

    page.goto("/journal/write/night/")

    expect(status(page)).to_contain_text("waiting on this device are saved now")
    expect(page.get_by_role("link", name="Open them")).to_have_attribute("href", EDIT_OF % draft.pk)
    expect(paper(page)).to_have_value("")
    assert bodies(alice) == [WORDS]


def test_copies_are_delivered_from_the_shelf(desk: Desk, alice: User) -> None:
    page = desk()
    refuse_autosaves(page)
    write_unsaved(page)
    page.unroute(SAVE)

    page.goto("/journal/")

    expect(status(page)).to_contain_text("waiting on this device are saved now")
    page.get_by_role("link", name="Open them").click()
    expect(paper(page)).to_have_value(WORDS)
    assert bodies(alice) == [WORDS]
    wait_for_copies(page, 0)


def test_copy_of_somebody_else_is_left_alone(
    desk: Desk, as_alice: Client, as_bob: Client, alice: User, bob: User
) -> None:
    page = desk()
    as_alice.post("/accounts/logout/")
    write_unsaved(page)
    before = copies(page)
    name = settings.SESSION_COOKIE_NAME
    [cookie] = (each for each in page.context.cookies() if each["name"] == name)
    page.context.add_cookies([{**cookie, "value": as_bob.cookies[name].value}])
    sent = autosaves(page)
    other = other_tab(page, "/help/")
    other.evaluate(LOG_TAB_MESSAGES)

    with other.expect_console_message(lambda message: message.text == "here"):
        page.goto("/journal/")

    assert sent == []
    assert copies(page) == before
    assert (bodies(alice), bodies(bob)) == ([], [])


def test_copy_never_replaces_newer_words(desk: Desk, alice: User, now: datetime) -> None:
    draft = a_draft(alice, "first", now=now)
    page = desk(EDIT_OF % draft.pk)
    refuse_autosaves(page)
    write_unsaved(page)
    page.unroute(SAVE)
    elsewhere = desk(EDIT_OF % draft.pk)
    write_and_wait(elsewhere, MORE)

    page.reload()

    expect(paper(page)).to_have_value(MORE)
    expect(status(page)).to_contain_text("Both are saved")
    expect(page.get_by_role("link", name="Look at both")).to_be_visible()
    assert words_of(draft, alice).body == MORE
    assert earlier(draft, alice, late=True) == [WORDS]


def test_copy_of_a_letter_that_was_ended_waits_for_a_decision(
    desk: Desk, alice: User, now: datetime
) -> None:
    page = desk()
    page.route(SAVE, lose_response)
    write_unsaved(page)
    page.unroute(SAVE)
    throw_away(person=alice, letter=Letter.objects.get(), now=now)

    page.goto("/journal/")

    expect(status(page)).to_contain_text("Words of a letter that is gone")
    assert bodies(alice) == []
    assert len(copies(page)) == 1


def test_page_that_reloads_does_not_restore_an_ended_letter_by_itself(
    desk: Desk, alice: User, now: datetime
) -> None:
    page = desk()
    page.route(SAVE, lose_response)
    write_unsaved(page)
    page.unroute(SAVE)
    throw_away(person=alice, letter=Letter.objects.get(), now=now)

    page.reload()

    expect(paper(page)).to_have_value(WORDS)
    expect(status(page)).to_contain_text("The letter itself is gone")
    assert write_and_wait(page, MORE) == 410
    assert bodies(alice) == []
    button(page, "new letter").click()
    expect(status(page)).to_have_text(KEPT)
    assert bodies(alice) == [MORE]


def test_old_copy_does_not_replace_what_its_page_saved_later(desk: Desk, alice: User) -> None:
    page = desk()
    write_and_wait(page)
    refuse_autosaves(page)
    write_unsaved(page, "in between")
    [record] = page.evaluate(READ_RECORDS)
    page.unroute(SAVE)
    assert write_and_wait(page, MORE) == 200
    wait_for_copies(page, 0)
    # As if that copy had not been deleted yet.
    page.evaluate(PUT_RECORD, record)

    page.reload()

    wait_for_copies(page, 0)
    expect(paper(page)).to_have_value(MORE)
    assert bodies(alice) == [MORE]
    assert not Revision.objects.late().exists()


@pytest.mark.parametrize(("name", "found"), [("new letter", [WORDS]), ("Delete them", [])])
def test_words_of_a_deleted_letter_wait_for_a_decision(
    desk: Desk, alice: User, now: datetime, name: str, found: list[str]
) -> None:
    draft = a_draft(alice, "first", now=now)
    page = desk(EDIT_OF % draft.pk)
    refuse_autosaves(page)
    write_unsaved(page)
    page.unroute(SAVE)
    draft.delete()

    page.goto(NEW)
    expect(status(page)).to_contain_text("Words of a letter that is gone")
    assert bodies(alice) == []
    button(page, name).click()

    expect(paper(page)).to_be_focused()
    if found:
        expect(status(page)).to_contain_text("are saved now")
    wait_for_copies(page, 0)
    expect(button(page, name)).to_be_hidden()
    assert bodies(alice) == found


def test_decision_about_a_deleted_letter_waits_for_a_connection(
    desk: Desk, alice: User, now: datetime
) -> None:
    draft = a_draft(alice, "first", now=now)
    page = desk(EDIT_OF % draft.pk)
    refuse_autosaves(page)
    write_unsaved(page)
    page.unroute(SAVE)
    draft.delete()
    page.clock.install()
    page.goto("/journal/")
    expect(status(page)).to_contain_text("Words of a letter that is gone")
    page.context.set_offline(True)

    button(page, "new letter").click()

    expect(status(page)).to_contain_text("There is no connection")
    expect(status(page)).to_be_focused()
    assert len(copies(page)) == 1
    page.context.set_offline(False)
    page.clock.run_for(30_000)
    expect(status(page)).to_contain_text("are saved now")
    wait_for_copies(page, 0)
    assert bodies(alice) == [WORDS]


@pytest.mark.parametrize("name", ["new letter", "Delete them"])
def test_decision_about_old_words_leaves_newer_copies(
    desk: Desk, alice: User, now: datetime, name: str
) -> None:
    draft = a_draft(alice, "first", now=now)
    writing = desk(EDIT_OF % draft.pk)
    refuse_autosaves(writing)
    write_unsaved(writing)
    draft.delete()
    deciding = other_tab(writing, "/journal/")
    expect(status(deciding)).to_contain_text("Words of a letter that is gone")
    before = copies(writing)
    write(writing, MORE)
    wait_for_another_copy(writing, before[0])
    newer = copies(writing)

    button(deciding, name).click()
    expect(button(deciding, name)).to_be_hidden()
    deciding.reload()

    assert copies(writing) == newer


def test_copy_that_cannot_be_deleted_breaks_nothing(desk: Desk, alice: User, now: datetime) -> None:
    draft = a_draft(alice, "first", now=now)
    page = desk(EDIT_OF % draft.pk)
    refuse_autosaves(page)
    write_unsaved(page)
    page.unroute(SAVE)
    draft.delete()
    page.goto(NEW)
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(error.message))
    page.evaluate("() => { IDBObjectStore.prototype.delete = () => { throw new Error('no') } }")

    button(page, "Delete them").click()

    expect(status(page)).to_have_text("")
    assert write_and_wait(page) == 200
    assert broken == []


def test_link_to_a_late_version_leads_to_the_newest(desk: Desk, alice: User, now: datetime) -> None:
    draft = a_draft(alice, "first", now=now)
    page, other = desk(EDIT_OF % draft.pk), desk(EDIT_OF % draft.pk)
    write_and_wait(page)
    assert write_and_wait(other, MORE) == 409
    both = other.get_by_role("link", name="Look at both")
    before = both.get_attribute("href")
    assert before
    # Decided on the other page meanwhile.
    page.goto(before)
    button(page, "Leave the letter as it is").click()

    assert write_and_wait(other, "and on") == 409

    revision = Revision.objects.late().get()
    expect(both).to_have_attribute("href", f"/journal/{draft.pk}/versions/{revision.pk}/")
    assert str(revision.pk) not in before
