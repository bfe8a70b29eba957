"""The main job from end to end: two people did everything, stayed away, and are brought back by a
note and by the mail that says that a letter's day has come."""

import re
import subprocess
import urllib.request

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from local.servers import binaries
from tests.journeys.main_job import (
    LETTER,
    PASSWORD,
    SIZES,
    context_of,
    email_of,
    main_button,
)
from tests.support.browser import NewContext
from tests.support.private_words import JOURNEY
from tests.support.product import Product

pytestmark = pytest.mark.browser


def come_back_by_the_note(context: BrowserContext, product: Product, email: str) -> str:
    """By its link, in a browser that is not signed in. Return the link that stops notes."""
    note = product.mail_to(email, "A reminder for you")
    assert note.mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    links = re.findall(r"https?://\S+", note.text)
    page = context.new_page()
    page.goto(next(link for link in links if "/r/" not in link))
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    main_button(page, "Sign in").click()
    expect(page).to_have_url(re.compile("/today/$"))
    expect(page.locator("main")).to_contain_text("Done for now")
    return next(link for link in links if "/r/" in link)


def stop_the_notes(page: Page, stop: str) -> None:
    with urllib.request.urlopen(stop) as answer:
        assert answer.status == 200
    page.goto("/you/reminders/")
    expect(main_button(page, "Turn reminders off")).to_be_visible()
    one_click = urllib.request.Request(stop, data=b"List-Unsubscribe=One-Click", method="POST")
    with urllib.request.urlopen(one_click) as answer:
        assert answer.status == 200
    page.reload()
    expect(main_button(page, "Turn reminders on")).to_be_visible()


@pytest.mark.parametrize("scripts", SIZES, ids=["with scripts", "without scripts"])
def test_someone_who_walked_a_step_and_wrote_a_letter_comes_back_by_a_note(
    product: Product, two_people_away: None, new_context: NewContext, scripts: bool
) -> None:
    context = context_of(scripts, new_context)

    stop = come_back_by_the_note(context, product, email_of(scripts))

    stop_the_notes(context.pages[0], stop)


@pytest.mark.parametrize("scripts", SIZES, ids=["with scripts", "without scripts"])
def test_someone_is_told_that_the_day_of_a_letter_has_come_and_reads_it(
    product: Product, two_people_away: None, new_context: NewContext, scripts: bool
) -> None:
    page = context_of(scripts, new_context).new_page()
    mail = product.mail_to(email_of(scripts), "Something you put away")
    (shelf,) = re.findall(r"https?://\S+", mail.text)
    page.goto(shelf)
    page.get_by_label("Email").fill(email_of(scripts))
    page.get_by_label("Password").fill(PASSWORD)
    main_button(page, "Sign in").click()
    page.locator("main .letters a").first.click()
    main_button(page, re.compile("^Read it")).click()

    assert page.locator("article .written").evaluate("node => node.textContent") == LETTER


def test_none_of_their_words_is_anywhere_but_on_their_screen(
    product: Product, two_people_away: None
) -> None:
    """Neither in a dump of the database, nor in logs, nor in mails."""
    state = product.folder.read_state()
    assert state
    dump = subprocess.run(
        [binaries() / "pg_dump", "--dbname", state.environment["DATABASE_URL"], "--inserts"],
        capture_output=True,
        check=True,
    ).stdout
    assert b"herons-with@example.org" in dump
    assert b"journal_letter" in dump
    files = [path for path in product.folder.path.rglob("*") if path.suffix in {".log", ".eml"}]
    assert len(files) > 4
    for content in [dump, *(path.read_bytes() for path in files)]:
        assert not [word for word in JOURNEY if word.encode() in content]
