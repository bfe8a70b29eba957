"""Saving while somebody writes, as the entry of the desk puts its parts together."""

import pytest
from playwright.sync_api import expect

from tests.desk.conftest import LETTER, WITH_PAPER, Answer, DeskPage, lose
from tests.support.browser import follow

pytestmark = pytest.mark.browser

SAVED: Answer = (
    200,
    {"id": LETTER, "version": 2, "address": f"/journal/{LETTER}/edit/", "said": "Saved."},
)


@pytest.fixture
def running(desk: DeskPage) -> DeskPage:
    """The whole desk, with time standing still."""
    desk.saves = [SAVED]
    desk.page.clock.install()
    desk.open(WITH_PAPER.replace("data-desk ", 'data-desk="kept" '))
    desk.run('await load("main");')
    desk.page.clock.pause_at("2100-01-01")
    return desk


def test_words_are_saved_after_a_pause(running: DeskPage) -> None:
    running.page.locator("textarea").fill("new")
    running.page.clock.run_for(799)
    assert running.posted == []

    with running.page.expect_response("**/save/**"):
        running.page.clock.run_for(1)

    expect(running.page.locator("[data-desk-said]")).to_have_text("Saved.")
    expect(running.page.locator("[name=version]")).to_have_value("2")
    assert running.page.url.endswith(f"/journal/{LETTER}/edit/")
    assert [sent["body"] for sent in running.posted] == ["new"]


def test_words_that_are_not_saved_are_told_where_they_are(running: DeskPage) -> None:
    running.saves = [lose]
    running.page.locator("textarea").fill("new")

    running.page.clock.run_for(800)

    said = running.page.locator("[data-desk-said]")
    expect(said).to_have_text("On this device. Not reached.")
    running.saves = [SAVED]
    running.page.clock.run_for(30_000)
    expect(said).to_have_text("Saved.")


def test_button_saves_first_and_then_sends_the_form(running: DeskPage) -> None:
    running.page.locator("textarea").fill("new")

    follow(running.page.get_by_role("button", name="Save"))

    assert [sent["body"] for sent in running.posted] == ["new"]


def test_button_does_not_leave_the_page_while_words_cannot_be_saved(running: DeskPage) -> None:
    running.saves = [lose]
    running.page.locator("textarea").fill("new")
    address = running.page.url

    running.page.get_by_role("button", name="Save").click()

    expect(running.page.locator("[data-desk-said]")).to_have_text("On this device. Not reached.")
    assert running.page.url == address
    expect(running.page.locator("textarea")).to_have_value("new")
