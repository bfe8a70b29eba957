"""Tabs that close and pages that reload in the middle of a line lose no word."""

from datetime import datetime

import pytest
from playwright.sync_api import expect

from accounts.models import User
from journal.models import Letter, Revision
from tests.journal.desk.desk_page import (
    EDIT_OF,
    EDITING,
    KEPT,
    MORE,
    SAVE,
    WORDS,
    Desk,
    button,
    lose_response,
    other_tab,
    paper,
    refuse_autosaves,
    status,
    version,
    write,
    write_and_wait,
    write_unsaved,
)
from tests.support.device_copies import copies, wait_for_copies
from tests.support.letters import a_draft, bodies, earlier, words_of
from tests.support.live_site import Site
from tests.support.waiting import PATIENCE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_tab_that_closes_while_somebody_writes_sends_their_words(
    desk: Desk, site: Site, alice: User
) -> None:
    page = desk(clock=True)
    write(page)
    page.clock.run_for(100)
    wait_for_copies(page, 1)

    page.close()

    site.wait_for("/autosave/")
    assert bodies(alice) == [WORDS]
    # The copy that it left holds the same words, and makes no conflict.
    later = page.context.new_page()
    later.goto(EDIT_OF % Letter.objects.get().pk)
    expect(paper(later)).to_have_value(WORDS)
    wait_for_copies(later, 0)
    assert not Revision.objects.exists()


def test_tab_that_closes_before_a_response_makes_no_conflict(
    desk: Desk, site: Site, alice: User, now: datetime
) -> None:
    draft = a_draft(alice, "first", now=now)
    page = desk(EDIT_OF % draft.pk)
    site.response_gate.hold(f"/journal/{draft.pk}/autosave/")
    write(page, WORDS)
    site.wait_for("/autosave/")
    write(page, MORE)

    page.close()

    site.wait_for("/autosave/")
    assert words_of(draft, alice).body == MORE
    assert not Revision.objects.late().exists()


def test_new_paper_that_closes_during_its_first_save_is_one_letter(
    desk: Desk, site: Site, alice: User
) -> None:
    page = desk()
    address = f"/journal/{page.locator('main form [name=id]').input_value()}/autosave/"
    site.response_gate.hold(address)
    write(page, WORDS)
    site.wait_for("/autosave/")
    write(page, MORE)

    page.close()

    site.wait_for("/autosave/")
    assert bodies(alice) == [MORE]
    assert not Revision.objects.late().exists()


def test_tab_that_closes_before_a_response_overwrites_no_other_device(
    desk: Desk, site: Site, alice: User, now: datetime
) -> None:
    """Another device has saved in between."""
    draft = a_draft(alice, "first", now=now)
    page, elsewhere = desk(EDIT_OF % draft.pk), desk(EDIT_OF % draft.pk)
    write(elsewhere, "from elsewhere")
    site.wait_for("/autosave/")
    site.response_gate.hold(f"/journal/{draft.pk}/autosave/")
    write(page, WORDS)
    site.wait_for("/autosave/")
    write(page, MORE)

    page.close()

    site.wait_for("/autosave/")
    assert words_of(draft, alice).body == "from elsewhere"
    assert earlier(draft, alice, late=True) == [MORE, WORDS]


def test_page_that_reloads_during_a_save_makes_no_second_text(
    desk: Desk, site: Site, alice: User, now: datetime
) -> None:
    """What it sent before the reload arrives last."""
    draft = a_draft(alice, "first", now=now)
    page = desk(EDIT_OF % draft.pk)
    site.request_gate.hold(f"/journal/{draft.pk}/autosave/")
    write(page, WORDS)
    assert site.request_gate.arrived.wait(PATIENCE)
    write(page, MORE)
    wait_for_copies(page, 1)

    page.reload()
    expect(paper(page)).to_have_value(MORE)
    site.request_gate.open()

    expect(status(page)).to_contain_text(KEPT)
    wait_for_copies(page, 0)
    assert words_of(draft, alice).body == MORE
    assert not Revision.objects.late().exists()
    assert write_and_wait(page, "and on") == 200
    assert words_of(draft, alice).body == "and on"


def test_new_paper_that_reloads_after_a_lost_response_makes_no_second_text(
    desk: Desk, alice: User
) -> None:
    page = desk()
    page.route(SAVE, lose_response, times=1)
    write_unsaved(page)
    refuse_autosaves(page)
    write(page, MORE)
    button(page, "Save").click()
    expect(status(page)).to_contain_text("on this device, encrypted")
    page.unroute(SAVE)

    page.reload()

    expect(paper(page)).to_have_value(MORE)
    expect(status(page)).to_contain_text("are on the paper again. Saved at")
    assert bodies(alice) == [MORE]
    assert not Revision.objects.late().exists()


def test_copy_that_another_tab_delivers_does_not_conflict_with_its_own_page(
    desk: Desk, alice: User
) -> None:
    page = desk(clock=True)
    write(page, WORDS)
    page.clock.run_for(100)
    wait_for_copies(page, 1)
    write(page, MORE)

    other = other_tab(page, "/journal/")

    expect(status(other)).to_contain_text("are saved now")
    # The other tab may have delivered the copy of the first words or of the second.
    expect(version(page)).not_to_have_value("0")
    assert bodies(alice) == [MORE]
    assert not Revision.objects.late().exists()


def test_draft_that_reloads_after_a_lost_response_shows_its_newest_words(
    desk: Desk, alice: User, now: datetime
) -> None:
    draft = a_draft(alice, "first", now=now)
    page = desk(EDIT_OF % draft.pk)
    page.route(SAVE, lose_response, times=1)
    write_unsaved(page, WORDS)
    refuse_autosaves(page)
    write(page, MORE)
    button(page, "Save").click()
    wait_for_copies(page, 1)
    page.unroute(SAVE)

    page.reload()

    expect(paper(page)).to_have_value(MORE)
    expect(status(page)).to_contain_text("are on the paper again. Saved at")
    assert write_and_wait(page, "and on") == 200
    assert words_of(draft, alice).body == "and on"
    assert not Revision.objects.late().exists()


QUOTA_EXCEEDED = """
IDBObjectStore.prototype.put = () => {
  throw new DOMException("", "QuotaExceededError");
};
"""


def test_old_copy_stays_where_the_device_has_no_room_for_a_new_one(
    desk: Desk, alice: User, now: datetime
) -> None:
    draft = a_draft(alice, "first", now=now)
    page = desk(EDIT_OF % draft.pk)
    refuse_autosaves(page)
    write_unsaved(page)
    page.add_init_script(QUOTA_EXCEEDED)

    page.reload()

    expect(paper(page)).to_have_value(WORDS)
    expect(status(page)).to_contain_text("on this screen only")
    assert len(copies(page)) == 1


def test_page_that_reloads_in_the_middle_of_a_line_loses_no_word(desk: Desk, alice: User) -> None:
    page = desk(clock=True)
    write(page)
    page.clock.run_for(100)
    wait_for_copies(page, 1)

    page.reload()

    expect(paper(page)).to_have_value(WORDS)
    page.clock.resume()
    expect(page).to_have_url(EDITING)
    assert write_and_wait(page, MORE) == 200
    assert bodies(alice) == [MORE]


def test_page_that_reloads_before_anything_was_saved_loses_no_word(desk: Desk, alice: User) -> None:
    page = desk()
    refuse_autosaves(page)
    write_unsaved(page)
    page.unroute(SAVE)

    with page.expect_response(SAVE):
        page.reload()

    expect(paper(page)).to_have_value(WORDS)
    expect(status(page)).to_contain_text("are on the paper again. Saved at")
    assert bodies(alice) == [WORDS]


def test_writing_on_while_words_are_restored_makes_no_second_text(
    desk: Desk, site: Site, alice: User
) -> None:
    page = desk()
    refuse_autosaves(page)
    write_unsaved(page)
    page.unroute(SAVE)
    door = f"/journal/{page.locator('main form [name=id]').input_value()}/autosave/"
    site.request_gate.hold(door)
    page.reload()
    expect(paper(page)).to_have_value(WORDS)
    assert site.request_gate.arrived.wait(PATIENCE)

    write(page, MORE)
    site.request_gate.open()

    expect(status(page)).to_contain_text(KEPT)
    wait_for_copies(page, 0)
    assert bodies(alice) == [MORE]
    assert not Revision.objects.late().exists()


def test_draft_that_reloads_shows_words_that_were_not_saved(
    desk: Desk, alice: User, now: datetime
) -> None:
    draft = a_draft(alice, WORDS, now=now)
    page = desk(EDIT_OF % draft.pk)
    refuse_autosaves(page)
    write_unsaved(page, MORE)
    page.unroute(SAVE)

    with page.expect_response(SAVE):
        page.reload()

    expect(paper(page)).to_have_value(MORE)
    expect(status(page)).to_contain_text(KEPT)
    assert words_of(draft, alice).body == MORE
    wait_for_copies(page, 0)
