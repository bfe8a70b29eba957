"""Exercises that involve the other person, the signs check, and where it hurts most."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.models import User
from healing import actions
from healing.due_question import due_question
from healing.exercise_forms import ExerciseForm
from healing.grid_reply import grid_of, posted_choices, reply_words
from healing.guide import guide
from healing.guide_types import HurtsPage
from healing.models import Answer
from tests.support.client import Client
from tests.support.visits import from_page

NIGHT = datetime(2026, 3, 12, 23, 5, tzinfo=UTC)
LEFT_OUT = "Something that involves the other person is left out on this visit."
INVOLVING = [
    (step, exercise)
    for step in guide().steps.values()
    for exercise in step.exercises
    if "safety" in exercise.not_after
]
DRAFT = {"way": "write", "message": "Is Friday still on?", "on_day": ""}


def exercise_of(step: int, key: str) -> Any:
    exercise = guide().steps[step].exercise(key)
    assert exercise
    return exercise


# --- Left out on a visit ------------------------------------------------------------------


def test_exercises_that_involve_the_other_person_say_so() -> None:
    assert {exercise.key for _, exercise in INVOLVING} == {"one-message", "calm-reply"}
    assert [
        exercise.key
        for step in guide().steps.values()
        for exercise in step.exercises
        if exercise.asks_first
    ] == ["going-round"]


@pytest.mark.parametrize("who", ["visitor", "alice"])
@pytest.mark.parametrize("way", [{"contact": "yes"}, None])
def test_they_are_left_out_after_a_yes_and_after_the_button(
    who: str, way: dict[str, str] | None, alice: User
) -> None:
    client = Client()
    if who == "alice":
        client.force_login(alice)
    for step, exercise in INVOLVING:
        assertContains(client.get(f"/steps/{step.number}/"), exercise.title)

    if way:
        client.post("/before/", from_page(client, "/before/", way))
    else:
        client.post("/before/leave-out/")

    for step, exercise in INVOLVING:
        page = client.get(f"/steps/{step.number}/")
        assertContains(page, LEFT_OUT, count=1)
        assertNotContains(page, exercise.title)
        page = client.get(f"/steps/{step.number}/{exercise.key}/")
        assertContains(page, LEFT_OUT, count=1)
        assertNotContains(page, exercise.title)
        assertNotContains(page, "<textarea")
    client.post("/before/bring-back/")
    assertContains(client.get("/steps/5/calm-reply/"), "Two calm sentences")


def test_what_it_has_gathered_is_left_out_and_stays(as_alice: Client, alice: User) -> None:
    as_alice.post("/steps/5/calm-reply/", {"id": uuid4(), "reply": "Friday, please."})
    assertContains(as_alice.get("/saved/cards/"), "Friday, please.")

    as_alice.post("/before/leave-out/")
    assertNotContains(as_alice.get("/saved/cards/"), "Friday, please.")
    assertNotContains(as_alice.get("/saved/cards/"), "calm-reply")
    # Its address may be in the history of the browser.
    address = f"/steps/5/calm-reply/{Answer.objects.of(alice).get().pk}/"
    assertNotContains(as_alice.get(address), "Friday, please.")

    as_alice.post("/before/bring-back/")
    assertContains(as_alice.get("/saved/cards/"), "Friday, please.")


def test_words_that_were_typed_before_are_saved(as_alice: Client, alice: User) -> None:
    as_alice.post("/before/", from_page(as_alice, "/before/", {"hurt": "yes"}))

    as_alice.post("/steps/5/calm-reply/", {"id": uuid4(), "reply": "Friday, please."})

    assert Answer.objects.of(alice).get().open(alice.key).fields["reply"] == "Friday, please."


def test_questions_come_before_going_round(as_alice: Client) -> None:
    for client in (as_alice, Client()):
        page = client.get("/steps/5/going-round/").text
        begins = page.find('href="/steps/5/going-round/1/"')
        first = begins if client is as_alice else page.index("<textarea")
        assert page.index("/before/?next=/steps/5/going-round/") < first
        assertContains(client.get("/steps/5/"), 'href="/before/"')


# --- One message ---------------------------------------------------------------------------


def test_three_choices_come_first_and_only_one_of_them_asks_more(
    as_alice: Client, alice: User
) -> None:
    id = uuid4()
    assertNotContains(as_alice.get("/steps/2/one-message/"), "<textarea")

    page = as_alice.post("/steps/2/one-message/", {"id": id, "way": "write"})
    assertContains(page, 'name="message"')
    assertContains(page, str(id))
    assertNotContains(page, 'role="alert"')
    assert not Answer.objects.exists()

    as_alice.post("/steps/2/one-message/", {"id": id, **DRAFT})
    assert Answer.objects.of(alice).get().open(alice.key).fields == DRAFT


@pytest.mark.parametrize("way", ["none", "asked"])
def test_not_sending_is_an_equal_end(as_alice: Client, alice: User, way: str) -> None:
    response = as_alice.post("/steps/2/one-message/", {"id": uuid4(), "way": way})

    assertRedirects(response, "/steps/2/one-message/")
    row = Answer.objects.of(alice).get()
    assert (row.open(alice.key).fields, row.asks_at) == ({"way": way}, None)


def test_draft_stays_when_the_choice_becomes_another(as_alice: Client, alice: User) -> None:
    as_alice.post("/steps/2/one-message/", {"id": uuid4(), **DRAFT})
    row = Answer.objects.of(alice).get()

    as_alice.post(f"/steps/2/one-message/{row.pk}/", DRAFT | {"way": "none"})

    assert Answer.objects.get().open(alice.key).fields["message"] == DRAFT["message"]


def test_draft_waits_until_tomorrow_and_is_asked_about_once(alice: User) -> None:
    step, exercise = guide().steps[2], exercise_of(2, "one-message")
    form = ExerciseForm(exercise, DRAFT)
    assert form.is_valid()
    for day in ("", "2026-03-12"):
        answer = form.answer | {"on_day": day}
        row = actions.save_answer(
            person=alice, id=uuid4(), step=step, exercise=exercise, answer=answer, now=NIGHT
        )
        assert row.asks_at is not None
        assert row.asks_at.astimezone(alice.zone).date().isoformat() == "2026-03-13"
        assert due_question(alice, NIGHT + timedelta(minutes=1)) is None
        tomorrow = NIGHT + timedelta(days=1)
        question = due_question(alice, tomorrow)
        assert question
        assert question.about == DRAFT["message"]
        assert due_question(alice, tomorrow, hides_contact=True) is None
        row.delete()


def test_draft_is_not_shown_again_unasked(as_alice: Client) -> None:
    as_alice.post("/steps/2/one-message/", {"id": uuid4(), **DRAFT})

    assertNotContains(as_alice.get("/steps/2/one-message/"), DRAFT["message"])


def test_today_asks_nothing_about_them_while_they_are_left_out(
    as_alice: Client, alice: User
) -> None:
    with time_machine.travel(NIGHT, tick=False) as clock:
        as_alice.post("/steps/2/one-message/", {"id": uuid4(), **DRAFT})
        clock.shift(timedelta(days=1))
        later = Client()
        later.force_login(alice)
        assertContains(later.get("/today/"), DRAFT["message"])
        later.post("/before/leave-out/")
        assertNotContains(later.get("/today/"), DRAFT["message"])


# --- The signs check -----------------------------------------------------------------------

SIGNS = exercise_of(1, "signs")
GRID = grid_of(SIGNS)
ITEMS = [item.key for item in GRID.items]


def test_every_combination_of_signs_gets_words_and_none_reassures() -> None:
    reply = SIGNS.reply
    found: Counter[str] = Counter()
    for answers in product(["often", "sometimes", "never", "unknown"], repeat=len(ITEMS)):
        said = dict(zip(ITEMS, answers, strict=True))
        words = reply_words(reply, said)
        familiar = sum(each in {"often", "sometimes"} for each in answers)
        assert words == (reply.many if familiar >= 3 else reply.some if familiar else reply.none)
        found[words] += 1

    assert sum(found.values()) == 4**6
    assert len(found) == 3
    for words in found:
        # Other causes, and never a number or a name for anybody.
        assert all(cause in words for cause in ("llness", "low mood"))
        assert "overload" in words or "too much at once" in words
        assert not any(character.isdigit() for character in words)
    assert "does not mean that you are safe" in reply.none


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({}, "none"),
        (dict.fromkeys(ITEMS, "never"), "none"),
        (dict.fromkeys(ITEMS, "unknown"), "none"),
        ({ITEMS[0]: "often"}, "some"),
        (dict.fromkeys(ITEMS, "sometimes"), "many"),
        ({ITEMS[0]: "daily", "other": "often"}, "none"),
    ],
)
def test_reply_shows_help_and_stores_nothing(
    as_alice: Client, answers: dict[str, str], words: str
) -> None:
    posted = {f"signs-{item}": said for item, said in answers.items()}
    for client in (as_alice, Client()):
        sent = from_page(client, "/steps/1/signs/", posted)
        page = client.post("/steps/1/signs/reply/", sent)

        assertContains(page, getattr(SIGNS.reply, words))
        assertContains(page, SIGNS.reply.always)
        assertContains(page, "Find someone to talk to")
        assert page.headers["Cache-Control"] == "no-store, private"
        assert not Answer.objects.exists()
    assert client.cookies.keys() <= {"csrftoken", "__Host-csrftoken", "c"}


def test_signs_are_saved_only_by_the_button_of_the_reply(as_alice: Client, alice: User) -> None:
    posted = {"signs-talk": "often", "signs-effort": "unknown"}
    page = as_alice.post("/steps/1/signs/reply/", from_page(as_alice, "/steps/1/signs/", posted))
    assertContains(page, '<input type="hidden" name="signs-talk" value="often">')
    assert not Answer.objects.exists()

    as_alice.post("/steps/1/signs/", posted | {"id": page.context["id"]})

    fields = Answer.objects.of(alice).get().open(alice.key).fields
    assert fields == {"signs": {"talk": "often", "effort": "unknown"}}


def test_signs_are_saved_without_an_account_by_the_same_button(db: None, client: Client) -> None:
    page = client.post("/steps/1/signs/reply/", {"signs-talk": "often"})
    assertContains(page, '<input type="hidden" name="signs-talk" value="often">')
    assertNotContains(client.get("/steps/1/signs/"), "Saved for this browser")

    client.post("/steps/1/signs/", {"signs-talk": "often", "id": page.context["id"]})

    assertContains(client.get("/steps/1/signs/"), "Saved for this browser")


def test_fear_comes_before_the_signs(as_alice: Client) -> None:
    for client in (as_alice, Client()):
        page = client.get("/steps/1/signs/").text
        main = page[page.index("<main") :]
        assert main.index("If you are afraid of them") < main.index("<fieldset")
        assert main.index('href="/help/"') < main.index("<fieldset")
        assert 'action="/steps/1/signs/reply/"' in main
        assert 'method="get"' not in main


def test_script_of_exercises_is_loaded_where_it_has_a_form(as_alice: Client) -> None:
    """It keeps a copy on the device of what is not saved yet, and fails where there is no form."""
    as_alice.post("/steps/1/moments/", {"id": uuid4(), "happened": "rain"})

    for address, has_form in (("/steps/1/signs/", False), ("/steps/1/moments/", True)):
        page = as_alice.get(address).text
        assert ("js/desk/exercise" in page, "data-answer=" in page) == (has_form, has_form)


def test_reply_is_nothing_by_itself(client: Client, db: None) -> None:
    assertRedirects(client.get("/steps/1/signs/reply/"), "/steps/1/signs/")
    assert client.post("/steps/1/filling-in/reply/").status_code == 404
    assert client.post("/steps/1/no-such/reply/").status_code == 404


def test_signs_sent_again_after_leaving_show_nothing(alice: User) -> None:
    """Back sends a form again (ADR 25)."""
    for is_signed_in in (True, False):
        strict = Client(enforce_csrf_checks=True)
        if is_signed_in:
            strict.force_login(alice)
        sent = from_page(strict, "/steps/1/signs/", {"signs-talk": "often"})
        assertContains(strict.post("/steps/1/signs/reply/", sent), SIGNS.reply.some)

        strict.get("/leave/")

        page = strict.post("/steps/1/signs/reply/", sent)
        assertNotContains(page, SIGNS.reply.some, status_code=403)


@pytest.mark.parametrize("end", ["/leave/", "/accounts/logout/"])
def test_signs_from_before_the_end_of_a_visit_show_nothing(as_alice: Client, end: str) -> None:
    sent = from_page(as_alice, "/steps/1/signs/", {"signs-talk": "often"})
    as_alice.get(end) if end == "/leave/" else as_alice.post(end)

    page = as_alice.post("/steps/1/signs/reply/", sent, follow=True)

    assertContains(page, "Six signs")
    assertNotContains(page, SIGNS.reply.some)


def test_signs_are_answered_while_pages_are_locked(as_alice: Client) -> None:
    as_alice.get("/leave/")

    sent = from_page(as_alice, "/steps/1/signs/", {"signs-talk": "often"})
    page = as_alice.post("/steps/1/signs/reply/", sent)

    assertContains(page, SIGNS.reply.some)
    assertNotContains(page, "Go on without saving")


def test_only_choices_of_the_grid_are_taken_over() -> None:
    posted = {"signs-talk": "often", "signs-drained": "<b>", "signs-other": "often"}

    assert posted_choices(GRID, posted) == {"signs-talk": "often"}


# --- Where does it hurt most? --------------------------------------------------------------


def test_eight_sentences_lead_to_three_places_each_with_a_reason() -> None:
    page = guide().pages["where"]
    assert isinstance(page, HurtsPage)
    assert len(page.hurts) == 8
    for hurt in page.hurts:
        assert len({place.path for place in hurt.places}) == 3
        assert all(place.words and place.reason for place in hurt.places)


def test_a_tap_sends_nothing_and_every_place_opens(visitor: Client, as_alice: Client) -> None:
    page = visitor.get("/where/")

    assertContains(page, "<details", count=8)
    assertNotContains(page, "<form")
    assertContains(page, "Nothing you tap here is saved or sent")
    assert not page.cookies
    where = guide().pages["where"]
    assert isinstance(where, HurtsPage)
    for path in {place.path for hurt in where.hurts for place in hurt.places}:
        assert visitor.get(path).status_code == 200
    for start in ("/steps/", "/accounts/first/", "/today/"):
        assertContains(as_alice.get(start), 'href="/where/"')
    assertContains(visitor.get("/"), 'href="/where/"')
    assertContains(as_alice.get("/accounts/first/"), 'href="/before/"')


def test_step_takes_no_statement_more_for_what_is_left_out(as_alice: Client) -> None:
    found = []
    for way in ("bring-back", "leave-out"):
        as_alice.post(f"/before/{way}/")
        with CaptureQueriesContext(connection) as queries:
            as_alice.get("/steps/5/")
        found.append(len(queries))

    assert found[0] == found[1]


@pytest.fixture
def visitor() -> Client:
    return Client()
