"""One letter on two pages, or ended elsewhere: both texts are kept."""

import re
from datetime import datetime

import pytest
from playwright.sync_api import expect

from accounts.models import User
from journal.models import Revision
from tests.journal.desk.desk_page import (
    EDIT_OF,
    EDITING,
    KEPT,
    MORE,
    SAVE,
    WORDS,
    Desk,
    autosaves,
    button,
    other_tab,
    paper,
    status,
    write,
    write_and_wait,
    write_unsaved,
)
from tests.support.device_copies import copies, wait_for_copies
from tests.support.letters import a_draft, bodies, earlier, words_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


# Submit the words as a page without a script does.
SUBMIT_COPY = """
(words) => {
  const form = document.querySelector("main form").cloneNode(true);
  form.elements.body.value = words;
  document.body.append(form);
  form.submit();
}
"""


def test_two_tabs_keep_both_texts(desk: Desk, alice: User, now: datetime) -> None:
    draft = a_draft(alice, "first", now=now)
    page = desk(EDIT_OF % draft.pk)
    other = other_tab(page, EDIT_OF % draft.pk)

    assert write_and_wait(page, WORDS) == 200
    assert write_and_wait(other, "from the other tab") == 409
    expect(status(other)).to_contain_text("Both are saved")
    assert write_and_wait(other, MORE) == 409

    revision = Revision.objects.late().get()
    expect(other.get_by_role("link", name="Look at both")).to_have_attribute(
        "href", f"/journal/{draft.pk}/versions/{revision.pk}/"
    )
    expect(paper(other)).to_have_value(MORE)
    assert words_of(draft, alice).body == WORDS
    assert earlier(draft, alice, late=True) == [MORE]
    wait_for_copies(other, 0)
    for address in (EDIT_OF % draft.pk, f"/journal/{draft.pk}/"):
        other.goto(address)
        expect(other.get_by_role("link", name="Look at both")).to_have_attribute(
            "href", f"/journal/{draft.pk}/versions/{revision.pk}/"
        )


def test_two_tabs_have_a_copy_each(desk: Desk, alice: User, now: datetime) -> None:
    draft = a_draft(alice, "first", now=now)
    page = desk(EDIT_OF % draft.pk)
    other = other_tab(page, EDIT_OF % draft.pk)
    page.context.set_offline(True)

    write_unsaved(page, WORDS)
    write_unsaved(other, MORE)

    assert len(copies(page)) == 2


def test_without_a_script_the_form_does_the_same(desk: Desk, alice: User, now: datetime) -> None:
    draft = a_draft(alice, "first", now=now)
    page = desk(EDIT_OF % draft.pk, scripts=False)
    other = desk(EDIT_OF % draft.pk, scripts=False)
    expect(page.get_by_label("A soft bell")).to_be_hidden()
    expect(page.locator("main").get_by_text("What I needed was")).to_be_visible()
    locations = []
    for each, words in ((page, WORDS), (other, MORE)):
        write(each, words)
        with each.expect_response(lambda answer: answer.request.method == "POST") as answer:
            button(each, "Save").click()
        assert answer.value.status == 302
        locations.append(answer.value.headers["location"].split("?")[0])

    revision = Revision.objects.late().get()
    assert locations == [
        EDIT_OF % draft.pk,
        f"/journal/{draft.pk}/versions/{revision.pk}/",
    ]
    assert words_of(draft, alice).body == WORDS
    assert earlier(draft, alice, late=True) == [MORE]


def test_letter_that_was_ended_meanwhile_is_not_changed(
    desk: Desk, alice: User, now: datetime
) -> None:
    draft = a_draft(alice, "first", now=now)
    page = desk(EDIT_OF % draft.pk)
    draft.keep(now=now)

    write_and_wait(page)

    expect(status(page)).to_contain_text("That letter cannot be changed now")
    expect(page).not_to_have_url(re.compile(str(draft.pk)))
    assert write_and_wait(page, MORE) == 200
    assert sorted(bodies(alice)) == sorted(["first", MORE])


def test_words_of_a_deleted_letter_become_a_new_one_when_asked(
    desk: Desk, alice: User, now: datetime
) -> None:
    draft = a_draft(alice, "first", now=now)
    page = desk(EDIT_OF % draft.pk)
    draft.delete()
    assert write_and_wait(page) == 410
    expect(status(page)).to_contain_text("Your words are still here")
    with page.expect_response(SAVE):
        button(page, "Save").click()
    expect(status(page)).to_contain_text("Your words are still here")

    button(page, "new letter").click()

    expect(paper(page)).to_be_focused()
    expect(status(page)).to_have_text(KEPT)
    assert bodies(alice) == [WORDS]


def test_unchanged_words_of_a_deleted_letter_become_a_new_one(
    desk: Desk, alice: User, now: datetime
) -> None:
    draft = a_draft(alice, WORDS, now=now)
    page = desk(EDIT_OF % draft.pk)
    draft.delete()
    assert write_and_wait(page, MORE) == 410
    assert write_and_wait(page, WORDS) == 410

    button(page, "new letter").click()

    expect(status(page)).to_have_text(KEPT)
    assert bodies(alice) == [WORDS]


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_submitted_words_of_a_deleted_letter_are_not_stored_by_themselves(
    desk: Desk, alice: User, now: datetime, scripts: bool
) -> None:
    draft = a_draft(alice, "first", now=now)
    page = desk(EDIT_OF % draft.pk, scripts=scripts, clock=scripts)
    draft.delete()
    if scripts:
        page.evaluate(SUBMIT_COPY, WORDS)
    else:
        write(page)
        button(page, "Save").click()
    expect(page.get_by_text("Your words are still here")).to_be_visible()
    expect(paper(page)).to_have_value(WORDS)
    if scripts:
        sent = autosaves(page)
        page.clock.run_for(60_000)
        page.evaluate("() => document.dispatchEvent(new Event('leaving'))")
        assert copies(page) == []
        assert sent == []
    assert bodies(alice) == []

    button(page, "Save").click()

    expect(page).to_have_url(EDITING)
    expect(page).not_to_have_url(re.compile(str(draft.pk)))
    assert bodies(alice) == [WORDS]
