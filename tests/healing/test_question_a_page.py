"""Long exercises: a question a page, words kept on the way, and a look at all before saving."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections
from django.http import HttpResponse
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.guide_settings import set_asks_why
from accounts.models import User
from healing.draft_actions import keep_question
from healing.drafts import on_the_way
from healing.guide import guide
from healing.guide_types import Exercise, Field
from healing.models import Answer, Draft
from tests.support.client import Client
from tests.support.database import Statements
from tests.support.full_quota import fill_rows
from tests.support.returned_forms import on_a_page_of
from vault.models import Key

TWICE = "/steps/7/told-twice/"
WORDS = "I stood at the window.\n\nIt rained."
TELLINGS = {"as_i": WORDS, "by_name": "Sam stood at the window.", "ending": "line"}
TELLINGS |= {"fairer": "I waited, and it was cold."}
NAMES = ["as_i", "by_name", "ending", "fairer"]


def send(client: Client, number: int, base: str = TWICE, **more: str) -> HttpResponse:
    """Answer a question of told-twice as its page does."""
    name = NAMES[number - 1]
    sent = {"which-question": name, "id": str(uuid4()), name: TELLINGS[name]} | more
    response: HttpResponse = client.post(f"{base}{number}/", sent)
    return response


def draft_of(person: User) -> dict[str, Any]:
    fields: dict[str, Any] = Draft.objects.of(person).get().open(person.key).fields
    return fields


def answer_of(person: User) -> dict[str, Any]:
    fields: dict[str, Any] = Answer.objects.of(person).get().open(person.key).fields
    return fields


def edited(monkeypatch: pytest.MonkeyPatch, number: int, change: Callable[[Exercise], Any]) -> None:
    """The guide from now on: `change` returns the exercise told-twice as it is then, or None."""
    step = guide().steps[number]
    changed = [change(each) if each.key == "told-twice" else each for each in step.exercises]
    kept = tuple(each for each in changed if each)
    monkeypatch.setitem(guide().steps, number, replaced(step, exercises=kept))  # type: ignore[arg-type]


def replaced(value: Any, **changes: Any) -> Any:
    return replace(value, **changes)


# --- From the first question to what is saved ------------------------------------------------


def test_questions_come_one_by_one_and_are_saved_after_a_look(
    as_alice: Client, alice: User
) -> None:
    page = as_alice.get(TWICE)
    assertContains(page, f'href="{TWICE}1/"')
    assertNotContains(page, "<textarea")
    for number, following in ((1, "2/"), (2, "3/"), (3, "4/"), (4, "check/")):
        page = as_alice.get(f"{TWICE}{number}/")
        assertContains(page, f'value="{NAMES[number - 1]}"')
        assert page.text.count("<textarea") + page.text.count('type="radio"') in {1, 2}
        assertRedirects(send(as_alice, number), TWICE + following, fetch_redirect_response=False)
    assert not Answer.objects.exists()

    page = as_alice.get(f"{TWICE}check/")
    for words in ("It rained.", "Sam stood at the window.", "There is one", "it was cold"):
        assertContains(page, words)
    response = as_alice.post(f"{TWICE}check/")

    assertRedirects(response, TWICE, fetch_redirect_response=False)
    assert answer_of(alice) == TELLINGS
    assert not Draft.objects.exists()
    page = as_alice.get(TWICE)
    assertContains(page, "Both tellings are yours")
    assertContains(page, "Sam stood at the window.")
    assertNotContains(page, "Go on where you were")


def test_question_after_a_choice_is_asked_only_then(as_alice: Client, alice: User) -> None:
    send(as_alice, 1)
    assertContains(as_alice.get(f"{TWICE}1/"), "Question 1 of 3")
    assertRedirects(as_alice.get(f"{TWICE}4/"), f"{TWICE}check/", fetch_redirect_response=False)

    response = send(as_alice, 3, ending="not_yet")

    assertRedirects(response, f"{TWICE}check/", fetch_redirect_response=False)
    assertNotContains(as_alice.get(f"{TWICE}check/"), "The fairer line")
    as_alice.post(f"{TWICE}check/")
    assert answer_of(alice) == {"as_i": WORDS, "by_name": "", "ending": "not_yet"}


def test_every_question_can_stay_empty(as_alice: Client, alice: User) -> None:
    for number in (1, 2):
        empty = {NAMES[number - 1]: "  \r\n"}
        assertRedirects(
            send(as_alice, number, **empty), f"{TWICE}{number + 1}/", fetch_redirect_response=False
        )
    send(as_alice, 3, ending="")
    assertContains(as_alice.get(f"{TWICE}check/"), "Left empty", count=3)
    page = as_alice.post(f"{TWICE}check/")
    assert page.status_code in {302, 422}
    assert not Answer.objects.exists()


def test_back_and_stop_keep_the_words(as_alice: Client, alice: User) -> None:
    assertRedirects(send(as_alice, 1, **{"go-to": "back"}), TWICE, fetch_redirect_response=False)
    assert draft_of(alice) == {"as_i": WORDS}
    back = send(as_alice, 2, **{"go-to": "back"})
    assertRedirects(back, f"{TWICE}1/", fetch_redirect_response=False)
    assertContains(as_alice.get(f"{TWICE}1/"), "It rained.")

    assertRedirects(send(as_alice, 3, **{"go-to": "stop"}), TWICE, fetch_redirect_response=False)

    page = as_alice.get(TWICE)
    assertContains(page, f'href="{TWICE}4/">Go on where you were', count=1)
    assertContains(page, f'href="{TWICE}discard/"', count=1)
    assertContains(page, "until you save it or delete it")
    assertNotContains(page, "It rained.")


def test_what_was_seen_on_the_last_page_leads_back_to_it(as_alice: Client, alice: User) -> None:
    send(as_alice, 1)
    send(as_alice, 3, ending="not_yet")
    for go_to in ("", "back"):
        response = send(as_alice, 2, **{"go-to": go_to})
        assertRedirects(response, f"{TWICE}check/", fetch_redirect_response=False)
    # But for a question that this choice has opened.
    assertRedirects(send(as_alice, 3), f"{TWICE}4/", fetch_redirect_response=False)


def test_back_from_the_last_question_leads_to_each_one_before(as_alice: Client) -> None:
    for number in (1, 2, 3):
        send(as_alice, number)
    for number, before in ((4, "3/"), (3, "2/"), (2, "1/"), (1, "")):
        response = send(as_alice, number, **{"go-to": "back"})
        assertRedirects(response, TWICE + before, fetch_redirect_response=False)
        # After a stop they go on with the question that they went back to.
        go_on = f'href="{TWICE}{before or "1/"}">Go on where you were'
        assertContains(as_alice.get(TWICE), go_on)
        assertContains(as_alice.get(f"{TWICE}{number}/"), "Next")


def test_words_outlive_the_session(as_alice: Client, alice: User) -> None:
    send(as_alice, 1)
    as_alice.get("/leave/")
    as_alice.logout()
    assert "/accounts/login/" in as_alice.get(f"{TWICE}2/").headers["Location"]

    as_alice.force_login(alice)

    assertContains(as_alice.get(TWICE), f'href="{TWICE}2/">Go on where you were')
    assertContains(as_alice.get(f"{TWICE}1/"), "It rained.")


def test_words_sent_to_a_locked_session_come_back_to_their_question(
    as_alice: Client, alice: User
) -> None:
    send(as_alice, 1)
    as_alice.get("/leave/")

    page = as_alice.post(
        f"{TWICE}2/", on_a_page_of(alice, by_name="Sam waits", **{"which-question": "by_name"})
    )

    assertNotContains(page, "Sam waits", status_code=403)
    assert "sealed_form" in page.text
    assert draft_of(alice) == {"as_i": WORDS}


def test_two_tabs_add_to_each_other(as_alice: Client, alice: User, now: datetime) -> None:
    """Both have read that nothing is written yet."""
    step = guide().steps[7]
    tabs = [on_the_way(alice, step, "told-twice", None, locks=False) for _ in range(2)]
    for tab, name in zip(tabs, NAMES, strict=False):
        keep_question(
            person=alice, writing=tab, words={name: name}, place=2, page=str(uuid4()), now=now
        )

    assert draft_of(alice) == {"as_i": "as_i", "by_name": "by_name"}


def test_sending_the_last_page_twice_saves_one(as_alice: Client, alice: User) -> None:
    send(as_alice, 1)
    for _ in range(2):
        assertRedirects(as_alice.post(f"{TWICE}check/"), TWICE, fetch_redirect_response=False)
    assert Answer.objects.count() == 1

    # The next one is another answer.
    send(as_alice, 1, as_i="Another evening.")
    as_alice.post(f"{TWICE}check/")
    assert Answer.objects.count() == 2


# --- Deleting ---------------------------------------------------------------------------------


def test_it_can_be_deleted_after_being_asked(as_alice: Client, alice: User) -> None:
    send(as_alice, 1)
    assertContains(as_alice.get(f"{TWICE}discard/"), "Delete what you have written here?")
    assert Draft.objects.exists()

    for _ in range(2):
        response = as_alice.post(f"{TWICE}discard/")
        assertRedirects(response, TWICE, fetch_redirect_response=False)
    assert not Draft.objects.exists()
    assertContains(as_alice.get(TWICE), "It is deleted.")


def test_what_cannot_be_opened_waits_and_can_be_deleted(as_alice: Client, alice: User) -> None:
    send(as_alice, 1)
    Draft.objects.update(sealed=b"\1damaged")

    assertContains(as_alice.get(TWICE), "Go on where you were")
    for path in ("1/", "check/"):
        assertContains(as_alice.get(TWICE + path), "still stored")
    page = send(as_alice, 2, **on_a_page_of(alice))
    assertContains(page, "Sam stood at the window.", status_code=503)
    assert bytes(Draft.objects.get().sealed) == b"\1damaged"
    as_alice.post(f"{TWICE}discard/")
    assert not Draft.objects.exists()


def test_nobody_else_has_any_way_to_it(as_alice: Client, as_bob: Client, bob: User) -> None:
    send(as_alice, 1)
    for path in ("", "1/", "check/", "discard/"):
        page = as_bob.get(TWICE + path, follow=True)
        assertNotContains(page, "It rained.")
        assertNotContains(page, "Go on where you were")
    as_bob.post(f"{TWICE}discard/")
    as_bob.post(f"{TWICE}check/")
    assert Draft.objects.count() == 1
    assert not Draft.objects.of(bob).exists()


def test_words_on_the_way_are_shown_on_no_other_page(as_alice: Client) -> None:
    send(as_alice, 1)

    for path in ("/today/", "/steps/7/", "/saved/", "/saved/sentences/", "/progress/", "/steps/"):
        page = as_alice.get(path)
        assertNotContains(page, "It rained.")
        assertNotContains(page, "Go on where you were")


# --- Changing a saved answer ------------------------------------------------------------------


@pytest.fixture
def saved(as_alice: Client, alice: User) -> Answer:
    for number in range(1, 5):
        send(as_alice, number)
    as_alice.post(f"{TWICE}check/")
    return Answer.objects.of(alice).get()


def test_answer_is_changed_the_same_way(as_alice: Client, alice: User, saved: Answer) -> None:
    base = f"{TWICE}{saved.pk}/"
    assertRedirects(as_alice.get(base), f"{base}check/")
    assertContains(as_alice.get(f"{base}check/"), "Nothing is changed yet.")
    assertContains(as_alice.get(f"{base}1/"), "It rained.")
    # Looking and going on changes nothing.
    assertRedirects(send(as_alice, 1, base), f"{base}check/", fetch_redirect_response=False)
    assert not Draft.objects.exists()

    send(as_alice, 2, base, by_name="Sam sat down.")

    assert answer_of(alice) == TELLINGS
    assertContains(as_alice.get(TWICE), f'href="{base}check/">Go on where you were')
    page = as_alice.get(f"{base}check/")
    assertContains(page, "Sam sat down.")
    assertContains(page, "It rained.")
    as_alice.post(f"{base}check/")
    assert answer_of(alice) == TELLINGS | {"by_name": "Sam sat down."}
    assert not Draft.objects.exists()


def test_question_of_a_saved_answer_can_be_emptied(
    as_alice: Client, alice: User, saved: Answer
) -> None:
    base = f"{TWICE}{saved.pk}/"
    send(as_alice, 2, base, by_name="")

    as_alice.post(f"{base}check/")

    assert answer_of(alice) == TELLINGS | {"by_name": ""}


def test_change_can_be_left_as_it_was(as_alice: Client, alice: User, saved: Answer) -> None:
    base = f"{TWICE}{saved.pk}/"
    send(as_alice, 2, base, by_name="Sam sat down.")
    assertContains(as_alice.get(f"{base}discard/"), "Leave it as it was?")

    as_alice.post(f"{base}discard/")

    assert not Draft.objects.exists()
    assert answer_of(alice) == TELLINGS


def test_new_answer_and_a_change_do_not_meet(as_alice: Client, alice: User, saved: Answer) -> None:
    send(as_alice, 2, f"{TWICE}{saved.pk}/", by_name="A change.")
    send(as_alice, 2, by_name="Something new.")

    assertNotContains(as_alice.get(f"{TWICE}check/"), "A change.")
    assertNotContains(as_alice.get(f"{TWICE}{saved.pk}/check/"), "Something new.")
    saved.delete()
    assert Draft.objects.get().open(alice.key).fields == {"by_name": "Something new."}


def test_change_of_an_answer_that_was_deleted_gives_the_words_back(
    as_alice: Client, alice: User, saved: Answer
) -> None:
    saved.delete()

    page = as_alice.post(
        f"{TWICE}{saved.pk}/2/",
        on_a_page_of(alice, by_name="Sam sat down.", **{"which-question": "by_name"}),
    )

    assertContains(page, "Sam sat down.", status_code=404)


# --- Bad input --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [("x" * 5001, "5001 characters, and 5000 fit"), ("a\0b", "One character here")],
)
def test_what_cannot_be_kept_stays_on_the_page(as_alice: Client, words: str, said: str) -> None:
    page = send(as_alice, 1, as_i=words)

    assertContains(page, said)
    assert words.replace("\0", "") in unescape(page.text).replace("\0", "")
    assert not Draft.objects.exists()


def test_words_are_kept_byte_by_byte(as_alice: Client, alice: User) -> None:
    words = "<b>{{ 7 }}</b> \u202eback\u202c " + "e\u0301\u0323" * 50
    send(as_alice, 1, as_i=words)

    assert draft_of(alice)["as_i"] == words
    assert words in unescape(as_alice.get(f"{TWICE}check/").text)


def test_choice_that_is_not_offered_is_not_kept(as_alice: Client) -> None:
    page = send(as_alice, 3, ending="maybe")

    assertContains(page, "What you wrote is still on this page.")
    assert not Draft.objects.exists()


def test_hundred_other_fields_do_nothing(as_alice: Client, alice: User) -> None:
    others = {f"field{number}": "x" for number in range(100)}

    assertRedirects(send(as_alice, 1, **others), f"{TWICE}2/", fetch_redirect_response=False)
    assert draft_of(alice) == {"as_i": WORDS}


def test_full_quota_leaves_the_words_on_the_page(as_alice: Client, alice: User) -> None:
    send(as_alice, 1)
    fill_rows(alice)

    # What grows little is kept; nothing new is begun, and nothing saved.
    assert send(as_alice, 2).status_code == 302
    assert as_alice.post(f"{TWICE}check/").status_code == 422
    assertContains(as_alice.get(f"{TWICE}check/"), "Sam stood at the window.")
    as_alice.post(f"{TWICE}discard/")
    fill_rows(alice)
    page = send(as_alice, 1)
    assertContains(page, "It rained.", status_code=422)


def test_words_wait_on_the_page_while_the_key_is_closed(as_alice: Client, alice: User) -> None:
    Key.objects.filter(owner=alice).update(wrapped=b"\1closed")

    page = as_alice.post(f"{TWICE}1/", {"which-question": "as_i", "as_i": "It rained."})

    assertContains(page, "It rained.", status_code=503)


# --- The guide changed meanwhile --------------------------------------------------------------


@pytest.fixture
def change(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Exercise], Any]], None]:
    return lambda make: edited(monkeypatch, 7, make)


Change = Callable[[Callable[[Exercise], Any]], None]


def without_question(name: str) -> Callable[[Exercise], Any]:
    return lambda each: replaced(
        each, fields=tuple(field for field in each.fields if field.name != name)
    )


def test_question_that_has_moved_takes_its_words(
    as_alice: Client, alice: User, change: Change
) -> None:
    change(without_question("as_i"))

    response = send(as_alice, 2)

    assertRedirects(response, f"{TWICE}2/", fetch_redirect_response=False)
    assert draft_of(alice) == {"by_name": TELLINGS["by_name"]}


def test_words_for_a_question_that_is_gone_are_shown(
    as_alice: Client, alice: User, change: Change
) -> None:
    send(as_alice, 1)
    change(without_question("by_name"))

    page = send(as_alice, 2)

    assertContains(page, "Sam stood at the window.", status_code=409)
    assertContains(page, "This question has changed meanwhile", status_code=409)
    assert draft_of(alice) == {"as_i": WORDS}


def test_words_for_a_question_of_another_kind_are_shown(as_alice: Client, change: Change) -> None:
    lines = Field("as_i", "lines", "Lines", limit=200, most=3)
    change(lambda each: replaced(each, fields=(lines, *each.fields[1:])))

    assertContains(send(as_alice, 1), "It rained.", status_code=409)


def test_words_that_were_kept_for_it_are_saved_with_the_rest(
    as_alice: Client, alice: User, change: Change
) -> None:
    send(as_alice, 1)
    send(as_alice, 2)
    change(without_question("as_i"))

    page = as_alice.get(f"{TWICE}check/")
    assertContains(page, "It rained.")
    assertContains(page, "It is saved with the rest.")
    as_alice.post(f"{TWICE}check/")

    assert answer_of(alice)["as_i"] == WORDS


def test_limit_that_became_shorter_is_told_on_the_last_page(
    as_alice: Client, change: Change
) -> None:
    send(as_alice, 1)
    change(
        lambda each: replaced(each, fields=(replaced(each.fields[0], limit=5), *each.fields[1:]))
    )

    page = as_alice.post(f"{TWICE}check/")

    assertContains(page, "and 5 fit", status_code=422)
    assertContains(page, f'<a href="{TWICE}1/">What happened', status_code=422)
    assertContains(page, "It rained.", status_code=422)


def test_exercise_that_is_gone_leaves_a_way_to_read_and_delete(
    as_alice: Client, alice: User, change: Change
) -> None:
    send(as_alice, 1)
    change(lambda each: None)

    assertContains(as_alice.get("/steps/7/"), "earlier exercise")
    assertContains(as_alice.get(TWICE), f'href="{TWICE}2/"')
    page = as_alice.get(f"{TWICE}2/", follow=True)
    assertContains(page, "It rained.")
    assertNotContains(page, '<button class="btn">Save')
    assertContains(send(as_alice, 2), "Sam stood at the window.", status_code=409)
    assert as_alice.post(f"{TWICE}check/").status_code == 200
    assertRedirects(as_alice.post(f"{TWICE}discard/"), "/steps/7/", fetch_redirect_response=False)
    assert not Draft.objects.exists()


def test_exercise_on_one_page_again_leaves_a_way_to_save(
    as_alice: Client, alice: User, change: Change
) -> None:
    send(as_alice, 1)
    change(lambda each: replaced(each, question_a_page=False))

    assertContains(as_alice.get("/steps/7/"), f'href="{TWICE}check/"')
    assertContains(as_alice.get(f"{TWICE}1/"), "It rained.")
    as_alice.post(f"{TWICE}check/")

    assert answer_of(alice)["as_i"] == WORDS


def test_page_with_all_questions_from_before_is_saved(as_alice: Client, alice: User) -> None:
    as_alice.post(TWICE, {"id": str(uuid4()), **TELLINGS})

    assert answer_of(alice) == TELLINGS


@pytest.mark.parametrize(
    ("exercise", "after_discarding"),
    [("/steps/7/fairer/", "/steps/7/fairer/"), ("/steps/7/no-such/", "/steps/7/")],
)
def test_other_exercises_have_no_such_pages(
    as_alice: Client, exercise: str, after_discarding: str
) -> None:
    for path, leads_to in (("1/", exercise), ("check/", exercise), ("discard/", after_discarding)):
        response = as_alice.get(exercise + path)
        assertRedirects(response, leads_to, fetch_redirect_response=False)


# --- Guard rails ------------------------------------------------------------------------------


def test_it_is_not_begun_by_those_who_keep_asking_why(as_alice: Client, alice: User) -> None:
    set_asks_why(alice, asks_why=True)

    assertContains(as_alice.get(TWICE), "because you said that you keep asking why")
    assertRedirects(as_alice.get(f"{TWICE}1/"), TWICE)


def test_what_they_had_begun_can_be_ended(as_alice: Client, alice: User) -> None:
    send(as_alice, 1)
    set_asks_why(alice, asks_why=True)

    assertContains(as_alice.get(TWICE), "Go on where you were")
    assertContains(as_alice.get(f"{TWICE}2/"), "<textarea")
    as_alice.post(f"{TWICE}check/")
    page = as_alice.get(TWICE)
    assertContains(page, "It rained.")
    assertContains(page, "because you said that you keep asking why")


def test_a_visitor_sees_all_questions_at_once_and_saves_none(client: Client, db: None) -> None:
    page = client.get(TWICE)
    assertContains(page, "<textarea", count=2)
    assertContains(page, "Nothing is saved here without an account")
    assertNotContains(page, "Begin")


# --- A plan for a dangerous night -------------------------------------------------------------

PLAN = "/steps/6/safety-page/"


def test_lines_come_first_and_are_those_of_today(as_alice: Client, alice: User) -> None:
    for client in (as_alice, Client()):
        page = client.get(PLAN).text
        main = page[page.index("<main") :]
        assert main.index("People who answer now") < main.index("/help/")
    assertContains(as_alice.get("/help/"), f'href="{PLAN}"')
    page = as_alice.get(f"{PLAN}1/")
    assertContains(page, "<option", count=13)

    as_alice.post(f"{PLAN}1/", {"which-question": "lines", "lines": "gb"})
    as_alice.post(f"{PLAN}2/", {"which-question": "signs", "signs-0": "I count the stairs."})
    as_alice.post(
        f"{PLAN}5/", {"which-question": "people", "people-0-who": "R.", "people-1-who": "Gran"}
    )

    for path in (f"{PLAN}check/", PLAN):
        page = as_alice.get(path).text
        assert page.index("999") < page.index("116 123") < page.index("I count the stairs.")
        assert page.index("I count the stairs.") < page.index("Gran")
        as_alice.post(f"{PLAN}check/")
    assertContains(as_alice.get(PLAN), "data-print")
    assert answer_of(alice)["lines"] == "gb"


def test_six_parts_are_asked_and_nothing_is_asked_before(as_alice: Client) -> None:
    assertContains(as_alice.get(f"{PLAN}6/"), "Question 6 of 6")
    assertNotContains(as_alice.get(PLAN), "/before/")


# --- Statements -------------------------------------------------------------------------------


def test_statements(as_alice: Client, alice: User, saved: Answer, statements: Statements) -> None:
    for number in range(1, 4):
        send(as_alice, number)
        send(as_alice, number, f"{TWICE}{saved.pk}/", **{NAMES[number - 1]: "not_yet"})
    alice.record_visit(now=datetime.now(saved.created_at.tzinfo))
    own = f"{TWICE}{saved.pk}/"
    found = {}
    for path in (TWICE, f"{TWICE}1/", f"{TWICE}check/", f"{own}1/", f"{own}check/"):
        as_alice.get(path)
        with statements() as queries:
            assert as_alice.get(path).status_code == 200
        found[path] = len(queries)

    assert found == {
        TWICE: 3,
        f"{TWICE}1/": 2,
        f"{TWICE}check/": 2,
        f"{own}1/": 3,
        f"{own}check/": 3,
    }


def test_nothing_of_it_is_readable_in_the_database(as_alice: Client) -> None:
    send(as_alice, 1)

    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT draft::text FROM healing_draft AS draft")
        row = cursor.fetchone()[0]
    assert "told-twice" in row
    assert b"rained".hex() not in row
