"""Each step is done, and an exercise of it saved, by keyboard alone and without scripts."""

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User
from healing.guide import guide
from healing.guide_types import Exercise, Step
from healing.models import Answer
from healing.progress import step_statuses
from tests.support.browser import NewPage, follow
from tests.support.client import Client

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

FOCUSED = """() => {
  const { name, localName, type, value, form } = document.activeElement
  return { name, type: type || localName, isEmpty: !value, isInForm: Boolean(form) }
}"""
# What is typed into a field of this type.
TYPED = {"text": "Tea", "textarea": "Tea", "date": "12122026", "time": "0915AM", "number": "3"}


def forms(step: Step) -> list[Exercise]:
    """Those that are filled in here: others are letters, or have a page of their own."""
    return [each for each in step.exercises if not each.desk and not each.piece]


def tab_to(page: Page, name: str, role: str = "link") -> None:
    target = page.locator("main").get_by_role(role, name=name).first.element_handle()
    for _ in range(80):
        page.keyboard.press("Tab")
        if target.evaluate("node => node === document.activeElement"):
            return
    raise AssertionError(f"Tab does not lead to {name}")


def fill_by_keyboard(page: Page) -> None:
    """Fill in what Tab leads to, the first choice of each group, and press the first button."""
    seen = set[str]()
    for _ in range(80):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if not focused["isInForm"]:
            continue
        kind, name = focused["type"], focused["name"]
        if kind == "submit":
            return page.keyboard.press("Enter")
        if kind in TYPED and name not in seen:
            page.keyboard.type(TYPED[kind])
        elif kind in {"radio", "checkbox"} and name not in seen:
            page.keyboard.press("Space")
        seen.add(name)
    raise AssertionError("Tab does not lead to a button of the form")


def press_by_keyboard(page: Page, name: str, role: str = "link") -> None:
    tab_to(page, name, role)
    with page.expect_event("load"):
        page.keyboard.press("Enter")


def test_every_step_is_done_by_keyboard_alone(
    new_page: NewPage, as_alice: Client, alice: User
) -> None:
    page = new_page(as_alice)
    for step in guide().steps.values():
        page.goto(f"/steps/{step.number}/")
        for exercise in forms(step)[:1]:
            press_by_keyboard(page, exercise.title)
            with page.expect_event("load"):
                fill_by_keyboard(page)
            expect(page.locator("article.sheet")).to_have_count(1)
            page.goto(f"/steps/{step.number}/")
        press_by_keyboard(page, "Done for now", "button")

    check_saved(alice, [(step.number, forms(step)[:1]) for step in guide().steps.values()])


def test_every_step_is_done_on_a_phone_without_scripts(
    new_page: NewPage, as_alice: Client, alice: User
) -> None:
    page = new_page(as_alice, scripts=False)
    page.set_viewport_size({"width": 390, "height": 844})
    for step in guide().steps.values():
        page.goto(f"/steps/{step.number}/")
        for exercise in forms(step)[-1:]:
            follow(page.locator("main").get_by_role("link", name=exercise.title).first)
            fill(page)
            follow(page.locator("main form[method=post] .btn").first)
            expect(page.locator("article.sheet")).to_have_count(1)
            page.goto(f"/steps/{step.number}/")
        follow(page.get_by_role("button", name="Done for now"))

    check_saved(alice, [(step.number, forms(step)[-1:]) for step in guide().steps.values()])


def fill(page: Page) -> None:
    """Fill in every field, and the last choice of each group."""
    form = page.locator("main form[method=post]").first
    for kind, words in (("date", "2026-12-12"), ("time", "09:15")):
        for field in form.locator(f"input[type={kind}]").all():
            field.fill(words)
    for field in form.locator("input[type=text], textarea").locator("visible=true").all():
        field.fill("Tea")
    for choice in form.locator("[type=radio], [type=checkbox]").locator("visible=true").all():
        choice.check()


def check_saved(person: User, done: list[tuple[int, list[Exercise]]]) -> None:
    saved = {(row.step, row.exercise) for row in Answer.objects.of(person)}
    assert saved == {(number, each.key) for number, exercises in done for each in exercises}
    assert {each.state for each in step_statuses(person, now=timezone.now())} == {"settled"}
