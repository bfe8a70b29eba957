"""Spell checkers, writing helpers and page translators of the browser receive nothing private."""

from collections.abc import Iterator
from datetime import datetime
from uuid import uuid4

import pytest
from playwright.sync_api import Page

from accounts.models import User
from healing.models import Answer
from journal.models import Revision
from tests.support.browser import NewPage
from tests.support.client import Client
from tests.support.letters import a_draft, a_letter
from tests.support.live_site import Site

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SECRET = "lighthouse"
# The fields that text is typed into, as the browser understands them.
FIELDS = """
() => [...document.querySelectorAll("main textarea, main input:not([type])," +
    "main input[type=text], main input[type=search]")]
  .map((field) => [field.name, field.spellcheck, field.translate, field.writingSuggestions])
"""
# Elements with private text in them that a page translator would take.
TRANSLATED = f"""
() => [...document.querySelectorAll("body *")]
  .filter((each) => [...each.childNodes].some(
    (node) => node.nodeType === Node.TEXT_NODE && node.data.includes("{SECRET}")))
  .filter((each) => each.translate)
  .map((each) => each.outerHTML)
"""


@pytest.fixture
def addresses(as_alice: Client, alice: User, now: datetime, site: Site) -> list[str]:
    """Pages with words of Alice’s on them, or with fields for some."""
    as_alice.post("/you/", {"name": f"{SECRET} keeper", "time_zone": "UTC", "language": "en"})
    as_alice.post("/journal/write/them/lines/", {"opening": f"The {SECRET} at"})
    exercise = "/steps/2/hoping/"
    as_alice.post(exercise, {"id": str(uuid4()), "hoping": SECRET, "another_way": f"No {SECRET}."})
    happened = "/steps/1/filling-in/"
    as_alice.post(happened, {"id": str(uuid4()), "moments-0-happened": SECRET})
    letter, draft = a_letter(alice, SECRET, to=SECRET, now=now), a_draft(alice, SECRET, now=now)
    paper = {
        "id": str(draft.pk),
        "version": "1",
        "to": "",
        "kind": "them",
        "body": f"{SECRET} {SECRET}",
    }
    as_alice.post(f"/journal/{draft.pk}/edit/", paper)
    rows = Answer.objects.of(alice).for_exercise(2, "hoping")
    answers = [f"{exercise}{row.pk}/" for row in rows]
    versions = [f"/journal/{draft.pk}/versions/{row.pk}/" for row in Revision.objects.all()]
    assert answers
    assert versions
    return [
        *("/today/", "/you/", "/journal/", "/journal/write/them/", "/journal/write/them/lines/"),
        *(exercise, happened, *answers, *versions),
        *(f"/journal/{letter.pk}/", f"/journal/{draft.pk}/edit/", f"/journal/{draft.pk}/close/"),
    ]


def fields_of(page: Page, addresses: list[str]) -> Iterator[tuple[str, bool, bool, str]]:
    for address in addresses:
        page.goto(address)
        for name, *said in page.evaluate(FIELDS):
            yield (f"{address} {name}", *said)


def test_no_field_is_checked_and_nothing_private_suggested_or_translated(
    new_page: NewPage, as_alice: Client, addresses: list[str]
) -> None:
    page, seen = new_page(as_alice), 0
    found, translated = list[tuple[str, bool, bool, str]](), list[str]()

    for address in addresses:
        found += fields_of(page, [address])
        translated += [f"{address} {each}" for each in page.evaluate(TRANSLATED)]
        seen += page.content().count(SECRET)

    assert len(found) > 15
    assert [each for each in found if each[1:] != (False, False, "false")] == []
    assert seen > 15
    assert translated == []


def test_no_field_of_a_visitor_is_checked_suggested_or_translated(
    new_page: NewPage, site: Site
) -> None:
    found = list(fields_of(new_page(), ["/steps/2/hoping/"]))

    assert found
    assert [each for each in found if each[1:] != (False, False, "false")] == []


def test_spelling_is_checked_for_those_who_turn_it_on(
    new_page: NewPage, as_alice: Client, alice: User, addresses: list[str]
) -> None:
    page = new_page(as_alice)
    page.goto("/you/")
    page.get_by_label("Let this browser check my spelling").check()
    page.locator("main form button").first.click()
    page.get_by_text("Saved.").wait_for()

    found = list(fields_of(page, addresses))

    assert [each for each in found if each[1:] != (True, False, "false")] == []
    assert page.goto("/you/")
    assert page.get_by_label("Let this browser check my spelling").is_checked()
