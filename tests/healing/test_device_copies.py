"""Unsaved words of an exercise wait on the device, encrypted, and are saved by nobody but their
writer."""

import re
from datetime import datetime
from uuid import uuid4

import pytest
from django.conf import settings
from playwright.sync_api import Locator, Page, expect

from accounts.guide_settings import set_asks_why
from accounts.models import User
from healing.models import Answer, Draft
from tests.support.browser import NewPage, follow, hold
from tests.support.client import PASSWORD, Client
from tests.support.device_copies import STORED, copies, wait_for_another_copy, wait_for_copies
from tests.support.live_site import NEUTRAL, Site
from tests.support.waiting import PATIENCE

pytestmark = [
    pytest.mark.browser,
    pytest.mark.back_forward_cache,
    pytest.mark.django_db(transaction=True),
]

PLACE = "/steps/2/hoping/"
WORDS = "\nA sign that it mattered.\t— Ärlig 雪が降る 👩\u200d👧\n"
OTHER_WORDS = "An end to the guessing."
FOUND = "These words were on this device"


@pytest.fixture
def page(new_page: NewPage, as_alice: Client) -> Page:
    page = new_page(as_alice)
    page.goto(PLACE)
    return page


def field(page: Page) -> Locator:
    return page.locator("textarea").first


def button(page: Page, name: str) -> Locator:
    return page.locator("main").get_by_role("button", name=name, exact=True)


def write(page: Page, words: str = WORDS) -> None:
    """Write, and wait until a copy is on the device."""
    before = len(copies(page))
    field(page).fill(words)
    wait_for_copies(page, before + 1)


def answers(person: User) -> list[str]:
    return [row.open(person.key).fields["hoping"] for row in Answer.objects.of(person)]


def is_put_back(page: Page, words: str = WORDS) -> None:
    expect(page.get_by_text(FOUND)).to_be_visible()
    expect(field(page)).to_have_value(words)


def nothing_is_put_back(page: Page, words: str = "") -> None:
    expect(page.get_by_text(FOUND)).to_have_count(0)
    expect(field(page)).to_have_value(words)


def test_words_are_there_after_back(page: Page, alice: User) -> None:
    write(page)
    page.goto("/today/")

    page.go_back(wait_until="commit")

    is_put_back(page)
    wait_for_copies(page, 1)
    assert answers(alice) == []


def test_words_are_there_after_a_reload(page: Page, alice: User) -> None:
    write(page)

    page.reload()

    is_put_back(page)
    page.reload()
    is_put_back(page)
    wait_for_copies(page, 1)
    assert answers(alice) == []


def test_words_are_there_after_the_tab_was_closed(page: Page) -> None:
    write(page)

    later = page.context.new_page()
    page.close()
    later.goto(PLACE)

    is_put_back(later)


def test_words_are_there_after_leaving(page: Page) -> None:
    field(page).fill(WORDS)
    page.get_by_role("link", name="Leave now").click()
    expect(page.locator("body")).to_have_text(NEUTRAL)
    page.goto("/help/")
    stored = " ".join(page.evaluate(STORED)) + "".join(
        each.decode("utf-8", "replace") + each.decode("utf-16", "replace") for each in copies(page)
    )
    assert [word for word in ("mattered", "Ärlig", "hoping") if word in stored] == []

    page.goto("/today/")
    page.get_by_label("Password").fill(PASSWORD)
    follow(page.locator("main form button").first)
    page.goto(PLACE)
    is_put_back(page)


def test_words_are_saved_by_the_button_beside_them(page: Page, alice: User) -> None:
    write(page)
    page.reload()
    is_put_back(page)

    follow(button(page, "Save these words"))

    wait_for_copies(page, 0)
    nothing_is_put_back(page)
    assert answers(alice) == [WORDS]


def test_words_are_deleted_by_the_button_beside_them(page: Page, alice: User) -> None:
    write(page)
    page.reload()
    is_put_back(page)

    button(page, "Delete them").click()

    nothing_is_put_back(page)
    expect(page.locator("form :is(input, textarea):not([type=hidden])").first).to_be_focused()
    wait_for_copies(page, 0)
    page.reload()
    nothing_is_put_back(page)
    assert answers(alice) == []


def test_copy_is_deleted_once_the_answer_is_saved(page: Page, alice: User) -> None:
    write(page)

    follow(button(page, "Save"))

    wait_for_copies(page, 0)
    nothing_is_put_back(page)
    assert answers(alice) == [WORDS]


def test_words_are_one_answer_if_the_response_was_lost(page: Page, site: Site, alice: User) -> None:
    write(page)
    site.response_gate.hold(PLACE)
    button(page, "Save").click(no_wait_after=True)
    assert site.response_gate.arrived.wait(PATIENCE)
    # The page of the answer never comes, and its message is read elsewhere.
    page.goto("about:blank")
    site.response_gate.open()
    page.goto("/today/")

    page.goto(PLACE)
    is_put_back(page)
    expect(page.get_by_text("perhaps they are saved already")).to_be_visible()
    field(page).fill(OTHER_WORDS)
    follow(button(page, "Save these words"))
    expect(page.get_by_text("This answer was saved meanwhile")).to_be_visible()
    nothing_is_put_back(page, OTHER_WORDS)
    assert answers(alice) == [WORDS]
    follow(button(page, "Save this version"))

    wait_for_copies(page, 0)
    assert answers(alice) == [OTHER_WORDS]


SUBMIT_AND_WRITE_ON = """
(field, words) => {
  field.form.requestSubmit();
  field.value += words;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}
"""


def test_words_typed_while_the_answer_is_being_saved_are_there(
    page: Page, site: Site, alice: User
) -> None:
    write(page)
    other = page.context.new_page()
    other.goto("/help/")
    [before] = copies(other)
    site.request_gate.hold(PLACE)

    field(page).evaluate(SUBMIT_AND_WRITE_ON, OTHER_WORDS)
    assert site.request_gate.arrived.wait(PATIENCE)
    wait_for_another_copy(other, before)
    site.request_gate.open()

    is_put_back(page, WORDS + OTHER_WORDS)
    follow(button(page, "Save these words"))
    follow(button(page, "Save this version"))
    wait_for_copies(page, 0)
    assert answers(alice) == [WORDS + OTHER_WORDS]


def test_words_that_were_given_back_wait_as_well(page: Page, alice: User) -> None:
    words = "x" * 2001
    field(page).fill(words)
    follow(button(page, "Save"))
    expect(page.get_by_text("longer than fits").first).to_be_visible()
    nothing_is_put_back(page, words)
    wait_for_copies(page, 1)

    page.goto("/today/")
    page.goto(PLACE)

    is_put_back(page, words)
    assert answers(alice) == []


def test_changed_words_of_a_saved_answer_are_there(
    page: Page, as_alice: Client, alice: User
) -> None:
    as_alice.post(PLACE, {"id": str(uuid4()), "hoping": OTHER_WORDS, "another_way": "A walk."})
    address = f"{PLACE}{Answer.objects.get().pk}/"
    page.goto(address)
    write(page)
    page.goto(PLACE)
    nothing_is_put_back(page)
    page.goto(address)
    is_put_back(page)

    button(page, "Delete them").click()
    nothing_is_put_back(page, OTHER_WORDS)
    wait_for_copies(page, 0)
    write(page)
    page.reload()
    is_put_back(page)
    follow(button(page, "Save these words"))

    expect(page).to_have_url(re.compile(f"{PLACE}$"))
    wait_for_copies(page, 0)
    assert answers(alice) == [WORDS]


@pytest.mark.parametrize("has_copy", [False, True])
def test_nothing_is_written_over_words_typed_before_the_script_came(
    page: Page, has_copy: bool
) -> None:
    if has_copy:
        write(page)
        page.goto("/today/")
    release = hold(page, "**/js/desk/exercise.*")
    page.goto(PLACE, wait_until="commit")
    field(page).fill(OTHER_WORDS)
    release()

    wait_for_copies(page, 1 + has_copy)
    nothing_is_put_back(page, OTHER_WORDS)
    page.unroute("**/js/desk/exercise.*")
    # Each page puts one of them back, and the next page the other.
    page.reload()
    expect(page.get_by_text(FOUND)).to_be_visible()
    first = field(page).input_value()
    button(page, "Delete them").click()
    wait_for_copies(page, int(has_copy))
    page.reload()
    if has_copy:
        expect(page.get_by_text(FOUND)).to_be_visible()
        assert {first, field(page).input_value()} == {WORDS, OTHER_WORDS}
    else:
        nothing_is_put_back(page)
        assert first == OTHER_WORDS


def test_another_person_does_not_find_them(
    page: Page, new_page: NewPage, as_bob: Client, site: Site
) -> None:
    write(page)
    name = settings.SESSION_COOKIE_NAME
    cookies = [each for each in page.context.cookies() if each["name"] == name]
    page.context.add_cookies([{**cookies[0], "value": as_bob.cookies[name].value}])

    page.goto(PLACE)

    nothing_is_put_back(page)
    assert len(copies(page)) == 1


def test_words_are_gone_after_signing_out(page: Page) -> None:
    write(page)
    page.goto("/accounts/logout/")
    expect(page.get_by_text("shows where those of an exercise belong")).to_be_visible()

    button(page, "Sign out").click()

    expect(page.get_by_text("No unsaved words are left")).to_be_visible()
    assert page.evaluate(STORED) == []


def test_shelf_says_where_they_are(page: Page, alice: User, now: datetime) -> None:
    write(page)

    page.goto("/journal/")

    expect(page.get_by_text("Words of an exercise are waiting on this device")).to_be_visible()
    page.get_by_role("link", name="Open them").click()
    is_put_back(page)


def test_shelf_shows_all_that_wait(page: Page) -> None:
    """Also of an exercise whose page shows nothing of it."""
    write(page)
    page.goto("/steps/7/fairer/")
    write(page, OTHER_WORDS)
    page.goto("/journal/")
    expect(page.get_by_role("link", name="Open them")).to_have_count(2)
    expect(page.get_by_text(OTHER_WORDS)).to_be_hidden()

    for each in page.get_by_text("Read them here").all():
        each.click()

    expect(page.get_by_text("A sign that it mattered.")).to_be_visible()
    expect(page.get_by_text(OTHER_WORDS)).to_be_visible()
    button(page, "Delete them").first.click()
    wait_for_copies(page, 1)
    expect(page.get_by_role("link", name="Open them")).to_have_count(1)


def test_words_of_a_question_wait_until_its_page_was_sent(
    new_page: NewPage, as_alice: Client, alice: User
) -> None:
    """A question a page: the page after it knows that its words have arrived."""
    page = new_page(as_alice)
    page.goto("/steps/7/told-twice/1/")
    write(page)
    page.goto("/today/")
    page.go_back(wait_until="commit")
    is_put_back(page)

    follow(button(page, "Next"))

    expect(page.get_by_text("Question 2 of 3")).to_be_visible()
    wait_for_copies(page, 0)
    assert Draft.objects.get().open(alice.key).fields == {"as_i": WORDS}
    page.get_by_label("told with my name").fill(OTHER_WORDS)
    wait_for_copies(page, 1)
    follow(button(page, "Back"))
    nothing_is_put_back(page, WORDS)
    wait_for_copies(page, 0)
    assert not Answer.objects.exists()


def test_deleted_words_of_a_question_do_not_come_back(new_page: NewPage, as_alice: Client) -> None:
    page = new_page(as_alice)
    page.goto("/steps/7/told-twice/1/")
    write(page)

    follow(button(page, "Enough for now"))
    wait_for_copies(page, 0)
    follow(page.get_by_role("link", name="Delete what I have written here"))
    follow(button(page, "Delete it"))

    assert not Draft.objects.exists()
    page.goto("/steps/7/told-twice/1/")
    nothing_is_put_back(page)


MOMENTS = "/steps/1/moments/"


def test_words_can_be_read_and_deleted_where_the_form_is_not(
    new_page: NewPage, as_alice: Client
) -> None:
    page = new_page(as_alice)
    page.goto(MOMENTS)
    write(page)
    as_alice.post(MOMENTS, {"id": str(uuid4()), "happened": OTHER_WORDS})

    page.reload()

    expect(page.get_by_text(FOUND)).to_be_visible()
    expect(page.get_by_text("A sign that it mattered.")).to_be_visible()
    expect(page.locator("main textarea")).to_have_count(0)
    button(page, "Delete them").click()
    expect(page.get_by_text(FOUND)).to_have_count(0)
    wait_for_copies(page, 0)


def test_words_of_a_question_can_be_read_where_it_is_no_longer_asked(
    new_page: NewPage, as_alice: Client, alice: User
) -> None:
    page = new_page(as_alice)
    page.goto("/steps/7/told-twice/1/")
    write(page)
    set_asks_why(alice, asks_why=True)

    page.goto("/steps/7/told-twice/1/")

    expect(page).to_have_url(re.compile("/steps/7/told-twice/$"))
    expect(page.get_by_text("A sign that it mattered.")).to_be_visible()
    button(page, "Delete them").click()
    wait_for_copies(page, 0)


def test_words_that_were_sent_in_vain_outlive_another_save(
    page: Page, as_alice: Client, alice: User
) -> None:
    """Two tabs with one answer: what the first has sent never arrived."""
    as_alice.post(PLACE, {"id": str(uuid4()), "hoping": "Before."})
    address = f"{PLACE}{Answer.objects.get().pk}/"
    other = page.context.new_page()
    for each in (page, other):
        each.goto(address)
    write(page)
    page.route(f"**{address}", lambda route: route.abort())
    button(page, "Save").click(no_wait_after=True)
    page.wait_for_event("requestfailed")
    other.get_by_label("another way").or_(other.locator("textarea").last).fill(OTHER_WORDS)

    follow(button(other, "Save"))

    wait_for_copies(other, 1)
    other.goto(address)
    is_put_back(other)
    follow(button(other, "Save these words"))
    expect(other.get_by_text("This answer was saved meanwhile")).to_be_visible()
    follow(button(other, "Save this version"))
    wait_for_copies(other, 0)
    assert answers(alice) == [WORDS]


def test_visitor_is_told_that_nothing_is_saved(new_page: NewPage, site: Site) -> None:
    page = new_page()
    page.goto("/steps/7/fairer/")

    expect(
        page.get_by_role("heading", name="Nothing is saved here without an account")
    ).to_be_visible()
    expect(page.locator("main")).not_to_contain_text("Encrypted, for you")
    said = page.get_by_text("What you type is gone when you leave this page").bounding_box()
    first = field(page).bounding_box()
    assert said
    assert first
    assert said["y"] < first["y"]
    field(page).fill(WORDS)
    assert page.evaluate(STORED) == []
