"""Two tabs or devices with the same answer: nothing replaces words that its page did not show."""

import re
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpResponse

from accounts.models import User
from healing.models import Answer
from tests.support.client import Client
from tests.support.full_quota import fill_rows
from tests.support.returned_forms import form_with

HOPING = "/steps/2/hoping/"
FIRST, SECOND, THIRD = "A sign that it mattered.", "An end to the guessing.", "A walk."
CHANGED = "This answer was saved meanwhile"


@pytest.fixture
def address(as_alice: Client) -> str:
    """The page of a saved answer."""
    as_alice.post(HOPING, {"id": str(uuid4()), "hoping": FIRST})
    return f"{HOPING}{Answer.objects.get().pk}/"


def state(page: Any) -> dict[str, str]:
    """What a page sends along: the answer that it has shown."""
    found = re.search(r'name="saved-state" value="([^"]*)"', page.text)
    return {"saved-state": found[1]} if found else {}


def fields(person: User) -> list[dict[str, Any]]:
    rows = [row.open(person.key).fields for row in Answer.objects.of(person)]
    return [{name: value for name, value in row.items() if value} for row in rows]


def shows_both(page: Any, saved: str, sent: str) -> bool:
    main = page.text.partition("<main")[2]
    return CHANGED in main and f">{saved}</p>" in main and f"{sent}</textarea>" in main


def save_this_version(client: Client, address: str, page: Any) -> HttpResponse:
    response: HttpResponse = client.post(address, form_with("Save this version", page.text))
    return response


def test_change_in_a_second_tab_is_asked_about(as_alice: Client, alice: User, address: str) -> None:
    phone, laptop = state(as_alice.get(address)), state(as_alice.get(address))
    assert as_alice.post(address, {"hoping": SECOND} | phone).status_code == 302

    page = as_alice.post(address, {"hoping": FIRST, "another_way": THIRD} | laptop)

    assert page.status_code == 409
    assert shows_both(page, SECOND, THIRD)
    assert fields(alice)[0]["hoping"] == SECOND
    assert save_this_version(as_alice, address, page).status_code == 302
    assert fields(alice) == [{"hoping": FIRST, "another_way": THIRD}]


def test_version_that_was_chosen_is_asked_about_once_more_if_it_is_old_again(
    as_alice: Client, alice: User, address: str
) -> None:
    opened = state(as_alice.get(address))
    as_alice.post(address, {"hoping": SECOND} | opened)
    page = as_alice.post(address, {"hoping": THIRD} | opened)
    as_alice.post(address, {"hoping": "Even newer."} | state(as_alice.get(address)))

    page = as_alice.post(address, form_with("Save this version", page.text))

    assert page.status_code == 409
    assert shows_both(page, "Even newer.", THIRD)
    assert fields(alice)[0]["hoping"] == "Even newer."


def test_page_that_was_given_back_still_names_the_answer_that_it_began_with(
    as_alice: Client, alice: User, address: str
) -> None:
    opened = state(as_alice.get(address))
    as_alice.post(address, {"hoping": SECOND} | opened)

    refused = as_alice.post(address, {"hoping": "x" * 2001} | opened)

    assert refused.status_code == 200
    page = as_alice.post(address, {"hoping": THIRD} | state(refused))
    assert shows_both(page, SECOND, THIRD)
    assert fields(alice)[0]["hoping"] == SECOND


@pytest.mark.parametrize("sent", [{}, {"saved-state": ""}, {"saved-state": "x"}], ids=str)
def test_page_that_names_no_answer_it_began_with_replaces_nothing(
    as_alice: Client, alice: User, address: str, sent: dict[str, str]
) -> None:
    page = as_alice.post(address, {"hoping": SECOND} | sent)

    assert page.status_code == 409
    assert shows_both(page, FIRST, SECOND)
    assert fields(alice)[0]["hoping"] == FIRST


def test_same_words_are_saved_whatever_the_page_began_with(
    as_alice: Client, alice: User, address: str
) -> None:
    """The response was lost, and they are sent again."""
    opened = state(as_alice.get(address))
    as_alice.post(address, {"hoping": SECOND} | opened)

    assert as_alice.post(address, {"hoping": SECOND} | opened).status_code == 302
    assert fields(alice)[0]["hoping"] == SECOND


def test_what_was_said_about_an_answer_is_no_other_version(
    as_alice: Client, alice: User, address: str, now: datetime
) -> None:
    opened = state(as_alice.get(address))
    row = Answer.objects.get()
    row.reseal(alice.key, type(row.open(alice.key))(fields(alice)[0], "yes", "2026-03-12"), now=now)

    assert as_alice.post(address, {"hoping": SECOND} | opened).status_code == 302
    assert Answer.objects.get().open(alice.key).followed_up == "yes"


def test_id_of_an_earlier_page_replaces_nothing_newer(as_alice: Client, alice: User) -> None:
    """A copy on the device that was put back has the id of its former page."""
    sent = {"id": str(uuid4()), "hoping": FIRST}
    as_alice.post(HOPING, sent)
    assert as_alice.post(HOPING, sent).status_code == 302
    address = f"{HOPING}{Answer.objects.get().pk}/"
    as_alice.post(address, {"hoping": SECOND} | state(as_alice.get(address)))

    page = as_alice.post(HOPING, sent | {"saved-state": ""})

    assert page.status_code == 409
    assert shows_both(page, SECOND, FIRST)
    assert fields(alice)[0]["hoping"] == SECOND
    again = form_with("Save this version", page.text)
    assert again["id"] == sent["id"]
    assert as_alice.post(HOPING, again).status_code == 302
    assert [each["hoping"] for each in fields(alice)] == [FIRST]


def test_other_words_under_the_id_of_a_page_are_asked_about(as_alice: Client, alice: User) -> None:
    """Two pages may have the same copy of the device."""
    id = str(uuid4())
    as_alice.post(HOPING, {"id": id, "hoping": FIRST})

    page = as_alice.post(HOPING, {"id": id, "hoping": SECOND})

    assert page.status_code == 409
    assert shows_both(page, FIRST, SECOND)
    assert [each["hoping"] for each in fields(alice)] == [FIRST]


def test_longer_words_under_the_id_of_a_page_with_a_full_quota_stay_on_the_page(
    as_alice: Client, alice: User
) -> None:
    id = str(uuid4())
    as_alice.post(HOPING, {"id": id, "hoping": FIRST})
    fill_rows(alice)
    longer = {"id": id, "hoping": SECOND * 80, "another_way": "a" * 2000}

    asked = as_alice.post(HOPING, longer)
    page = as_alice.post(HOPING, longer | state(asked))

    assert page.status_code == 422
    assert "There is no room for more words here" in page.text
    assert SECOND * 80 in page.text
    assert [each["hoping"] for each in fields(alice)] == [FIRST]
