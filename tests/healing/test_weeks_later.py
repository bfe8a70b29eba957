"""Weeks later, in a browser: what became of an answer, and the same questions once more."""

from datetime import datetime, timedelta

import pytest
import time_machine
from playwright.sync_api import expect

from accounts.models import User
from tests.support.browser import NewPage, follow
from tests.support.people import signed_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

FIRST, SECOND = "mends old radios", "still mends them"


def test_the_same_questions_are_asked_again_and_laid_beside_each_other(
    new_page: NewPage, alice: User, now: datetime
) -> None:
    with time_machine.travel(now):
        page = new_page(signed_in(alice))
        page.goto("/steps/4/still-me/")
        page.get_by_label("I am someone who").fill(FIRST)
        follow(page.get_by_role("button", name="Save"))
        page.goto("/saved/then-and-now/")
        expect(page.locator("main")).not_to_contain_text(FIRST)

    with time_machine.travel(now + timedelta(weeks=4, hours=1)):
        page = new_page(signed_in(alice))
        page.goto("/today/")
        follow(page.get_by_role("link", name="Answer them again"))
        expect(page.locator("main")).not_to_contain_text(FIRST)
        page.get_by_label("I am someone who").fill(SECOND)
        follow(page.get_by_role("button", name="Save"))
        page.goto("/saved/then-and-now/")

        expect(page.locator("article.sheet").nth(0)).to_contain_text(FIRST)
        expect(page.locator("article.sheet").nth(1)).to_contain_text(SECOND)
        page.goto("/today/")
        expect(page.get_by_role("link", name="Answer them again")).to_have_count(0)


def test_an_answer_with_a_day_is_asked_about_once(
    new_page: NewPage, alice: User, now: datetime
) -> None:
    asked = "You had this in mind. Did it happen?"
    with time_machine.travel(now):
        page = new_page(signed_in(alice))
        page.goto("/steps/4/mine/")
        page.get_by_label("Things from before").first.fill("the early swim")
        page.get_by_label("One for this week").fill("ten lengths")
        page.get_by_label("When").fill(f"{(now + timedelta(days=2)).date()}")
        follow(page.get_by_role("button", name="Save"))
        page.goto("/today/")
        expect(page.locator("main")).not_to_contain_text(asked)

    with time_machine.travel(now + timedelta(days=3)):
        page = new_page(signed_in(alice))
        page.goto("/today/")
        expect(page.get_by_text(asked)).to_be_visible()
        expect(page.locator("main")).to_contain_text("ten lengths")
        follow(page.get_by_role("button", name="Part of it"))

        expect(page.locator("main")).not_to_contain_text(asked)
        page.goto("/steps/4/mine/")
        expect(page.locator("article.sheet")).to_contain_text("Part of it")
