"""The first evening, without an account: from the start page to words that are kept."""

import re
from datetime import datetime

import pytest
import time_machine
from playwright.sync_api import Locator, Page, expect

from accounts.actions import open_account
from accounts.models import User
from healing.models import Answer
from tests.support.accounts import code_in, waiting_mails
from tests.support.browser import NewPage, follow
from tests.support.client import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MOST_WORDS, MOST_TAPS = 400, 3
# In the main part of the page, in reading order.
WORDS_BEFORE = """node => {
  const range = document.createRange()
  range.setStart(document.querySelector("main"), 0)
  range.setEndBefore(node)
  return range.toString().split(/\\s+/).filter(Boolean).length
}"""
THREE = {
    "/steps/1/filling-in/": ("What happened", "The lamp stayed on."),
    "/steps/4/self-compassion/": ("This hurts", "Not knowing."),
    "/steps/8/small-wins/": ("Small things that went all right", "I ate."),
}


def button(page: Page, name: str) -> Locator:
    return page.locator("main").get_by_role("button", name=name)


def words_before(target: Locator) -> int:
    return int(target.evaluate(WORDS_BEFORE))


def test_three_answers_of_a_visitor_become_those_of_an_account(new_page: NewPage) -> None:
    page = new_page(scripts=False)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/")
    taps = [
        page.get_by_role("link", name="Begin with the first step"),
        page.get_by_role("link", name=re.compile("^Go straight to the exercise")),
    ]
    words = 0
    for tap in taps:
        words += words_before(tap)
        follow(tap)
    first = page.get_by_label("What happened").first
    words += words_before(first)
    # The third tap is the one into the field.
    assert len(taps) + 1 <= MOST_TAPS
    assert words <= MOST_WORDS, words

    for address, (label, text) in THREE.items():
        page.goto(address)
        page.get_by_label(label).first.fill(text)
        follow(button(page, "Save"))
        expect(page.locator("article.sheet")).to_contain_text(text)
    page.goto("/steps/1/filling-in/")
    expect(button(page, "Delete this")).to_be_visible()
    expect(page.get_by_role("link", name="Sign in").first).to_be_visible()

    follow(button(page, "Keep it with an account"))
    assert "sign_up_origin" not in page.url
    page.get_by_label("Email address").fill("dana@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("checkbox").check()
    follow(button(page, "Make my account"))
    page.get_by_label("Code").fill(code_in(waiting_mails()[-1]))
    follow(button(page, "Go on"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Before you begin")
    expect(page.get_by_text("in your account now")).to_be_visible()
    follow(button(page, "I have read this"))

    expect(page).to_have_url(re.compile("/steps/1/filling-in/#kept$"))
    for address, (_, text) in THREE.items():
        page.goto(address)
        expect(page.locator("article.sheet")).to_contain_text(text)
    assert Answer.objects.of(User.objects.get(email="dana@example.org")).count() == len(THREE)


def test_somebody_else_in_the_same_browser_sees_no_word(
    new_page: NewPage, transactional_db: None, now: datetime
) -> None:
    """Words of a visitor, and then the account of another person."""
    words = "I miss the noon ferry"
    bob = open_account(email="bob@example.org", password=PASSWORD, now=now)
    bob.record_safety_shown(now=now)
    with time_machine.travel(now):
        page = new_page()
        page.goto("/steps/1/both-true/")
        page.get_by_label("Both are true").fill(words)
        page.get_by_label("… and").fill("I am tired of waiting")
        follow(button(page, "Save"))
        elsewhere = new_page()
        elsewhere.goto("/steps/1/both-true/")
        expect(elsewhere.locator("main")).not_to_contain_text(words)

        page.goto("/accounts/login/")
        page.get_by_label("Email").fill(bob.email)
        page.get_by_label("Password").fill(PASSWORD)
        follow(page.locator("main").get_by_role("button", name="Sign in", exact=True))
        expect(page.get_by_role("heading", level=1)).to_have_text("Is this yours?")
        expect(page.locator("body")).not_to_contain_text(words)
        follow(button(page, "Delete it"))

        page.goto("/steps/1/both-true/")
        expect(page.locator("main")).not_to_contain_text(words)
        assert not Answer.objects.exists()
