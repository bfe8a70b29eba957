"""What is left out, and what comes first, for somebody who keeps asking why."""

from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.guide_settings import asks_why, set_asks_why
from accounts.models import User
from healing.exercises_left_out import exercises_left_out, exercises_offered
from healing.guide_types import Exercise
from tests.support.client import Client
from tests.support.database import Statements

ON, OFF = {"asks_why": "on"}, {"asks_why": ""}
NOTE = "because you said that you keep asking why"


def setting_of(person: User) -> bytes | None:
    setting = User.objects.values_list("guide_settings", flat=True).get(pk=person.pk)
    return None if setting is None else bytes(setting)


# --- Saying it ---------------------------------------------------------------------------------


def test_it_is_said_and_taken_back_on_a_page_of_its_own(as_alice: Client, alice: User) -> None:
    assertContains(as_alice.get("/you/"), 'href="/you/guide/"')
    assertContains(as_alice.get("/you/guide/"), "This is off.")

    for sent, state in ((ON, "This is on."), (ON, "This is on."), (OFF, "This is off.")):
        response = as_alice.post("/you/guide/", sent, follow=True)
        assertRedirects(response, "/you/guide/")
        assertContains(response, state)
    page = as_alice.get("/you/guide/")
    assertContains(page, "Three evenings")
    assertContains(page, "A plain day")
    assertContains(page, "Nothing that you have written changes")


def test_everybody_has_something_sealed_there(as_alice: Client, alice: User) -> None:
    """A column that only some have would tell who has ever said it."""
    assert setting_of(alice) is None

    as_alice.post("/accounts/first/")

    sealed = setting_of(alice)
    assert sealed is not None
    assertContains(as_alice.get("/you/guide/"), "This is off.")
    as_alice.post("/you/guide/", ON)
    assert len(setting_of(alice) or b"") == len(sealed)
    as_alice.post("/accounts/first/")
    assertContains(as_alice.get("/you/guide/"), "This is on.")


def test_each_person_says_it_for_themselves(
    as_alice: Client, as_bob: Client, alice: User, bob: User
) -> None:
    as_alice.post("/you/guide/", ON)

    assertContains(as_alice.get("/steps/3/"), NOTE)
    assertNotContains(as_bob.get("/steps/3/"), NOTE)
    assertNotContains(Client().get("/steps/3/"), NOTE)


def test_what_does_not_open_counts_as_said_and_stays(as_alice: Client, alice: User) -> None:
    setting = b"\1damaged"
    User.objects.filter(pk=alice.pk).update(guide_settings=setting)

    page = as_alice.get("/steps/3/")
    refused = as_alice.post("/you/guide/", OFF)

    assertContains(page, NOTE)
    assertContains(refused, "still stored", status_code=503)
    assertContains(as_alice.get("/you/guide/"), "We cannot open this setting.")
    assert setting_of(alice) == setting


# --- What it does ------------------------------------------------------------------------------

GUARDS = ("safety", "why")
ANY_GUARDS = [frozenset(each) for each in ((), ("safety",), ("why",), GUARDS)]


@pytest.mark.parametrize(("held", "not_after"), list(product(ANY_GUARDS, ANY_GUARDS)))
def test_exercise_is_left_out_after_any_of_its_words(
    held: frozenset[str], not_after: frozenset[str]
) -> None:
    exercise = Exercise("try", "Try", 1, "Try it.", not_after=tuple(not_after))
    step: Any = SimpleNamespace(exercises=(exercise,))

    assert exercises_left_out(step, held) == ([exercise] if held & not_after else [])


@pytest.mark.parametrize(("held", "first_after"), list(product(ANY_GUARDS, ANY_GUARDS)))
def test_exercise_comes_first_after_any_of_its_words(
    held: frozenset[str], first_after: frozenset[str]
) -> None:
    other = Exercise("other", "Other", 1, "Try it.")
    exercise = Exercise("try", "Try", 1, "Try it.", first_after=tuple(first_after))
    step: Any = SimpleNamespace(exercises=(other, exercise))

    first = exercises_offered(step, held)[0]
    assert first == (exercise if held & first_after else other)


def test_plain_day_comes_first_and_three_evenings_are_left_out(as_alice: Client) -> None:
    page = as_alice.get("/steps/3/").text
    assert page.index("/journal/write/them/") < page.index("/journal/write/plain/")
    assert "/journal/write/evenings/" in page

    as_alice.post("/you/guide/", ON)

    page = as_alice.get("/steps/3/").text
    assert page.index("/journal/write/plain/") < page.index("/journal/write/them/")
    assert "/journal/write/evenings/" not in page
    assert page.count(NOTE) == 1
    assertContains(as_alice.get("/steps/3/three-evenings/"), NOTE)
    assertRedirects(
        as_alice.get("/steps/3/plain-day/"),
        "/journal/write/plain/",
        fetch_redirect_response=False,
    )


def test_journal_offers_the_same(as_alice: Client) -> None:
    page = as_alice.get("/journal/write/").text
    assert page.index("/journal/write/them/") < page.index("/journal/write/plain/")
    assert "/journal/write/evenings/" in page
    assert 'href="/you/guide/"' in as_alice.get("/journal/write/?why=1").text

    as_alice.post("/you/guide/", ON)

    page = as_alice.get("/journal/write/").text
    assert page.index("/journal/write/plain/") < page.index("/journal/write/them/")
    assert "/journal/write/evenings/" not in page
    assert 'href="/you/guide/"' in page


def test_it_is_asked_where_it_matters(as_alice: Client) -> None:
    """Beside what would be left out stands the way to say so."""
    assertContains(as_alice.get("/steps/3/"), "/you/guide/", count=1)
    assertNotContains(as_alice.get("/steps/4/"), "/you/guide/")
    assertNotContains(Client().get("/steps/3/"), "/you/guide/")


def test_both_guard_rails_hold_at_once(as_alice: Client) -> None:
    for said, answered in product((False, True), repeat=2):
        as_alice.post("/you/guide/", ON if said else OFF)
        as_alice.post("/before/leave-out/" if answered else "/before/bring-back/")

        assert ("/journal/write/evenings/" in as_alice.get("/steps/3/").text) == (not said)
        assert ("/steps/5/calm-reply/" in as_alice.get("/steps/5/").text) == (not answered)
        assert (NOTE in as_alice.get("/steps/5/").text) is False


@pytest.mark.parametrize("sent", [OFF, ON])
def test_it_takes_no_statement(
    as_alice: Client, alice: User, sent: dict[str, str], statements: Statements
) -> None:
    set_asks_why(alice, asks_why=sent == ON)
    for path, most in (("/steps/3/", 2), ("/you/guide/", 1)):
        as_alice.get(path)
        with statements() as queries:
            as_alice.get(path)
        assert len(queries) <= most
    assert asks_why(alice) == (sent == ON)
