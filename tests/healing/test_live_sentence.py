import pytest
from playwright.sync_api import Page, expect

from healing.guide import guide
from healing.made_sentence import made_sentence
from tests.support.browser import NewPage, follow
from tests.support.client import Client
from tests.support.device_copies import wait_for_copies

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# What is typed into the three blanks of a boundary.
TYPED = [
    {"value": "calm evenings", "situation": "days pass", "action": "ring a friend"},
    {"value": "I value honest words.", "situation": "if  IF", "action": "i Will\tsleep"},
    {"value": "I valued it", "situation": "if", "action": "I will"},
    {"value": "{action}", "situation": "$& <b>", "action": "الصمت 👩\u200d👧"},
]


def type_in(page: Page, answer: dict[str, str]) -> None:
    for name, words in answer.items():
        page.locator(f"[name={name}]").fill(words)


def test_sentence_shows_while_somebody_types_and_is_the_one_that_is_saved(
    new_page: NewPage, as_alice: Client
) -> None:
    page = new_page(as_alice)
    page.goto("/steps/5/boundary/")
    boundary = guide().steps[5].exercise("boundary")
    line = page.locator("[data-makes]")
    expect(line).to_be_hidden()

    for answer in TYPED:
        type_in(page, answer)
        assert line.text_content() == made_sentence(boundary, answer).text

    page.locator("[name=value]").fill(" ")
    expect(line).to_be_hidden()

    type_in(page, TYPED[1])
    wait_for_copies(page, 1)
    page.reload()
    expect(line).to_have_text(made_sentence(boundary, TYPED[1]).text)
    page.get_by_role("button", name="Delete them").click()
    expect(line).to_be_hidden()

    type_in(page, TYPED[1])
    follow(page.get_by_role("button", name="Save", exact=True))

    saved = page.locator("article .why")
    expect(saved).to_have_text("I value honest words. If IF, I will sleep, to look after myself.")
    expect(line).to_be_hidden()
