"""Exercises without an account: what is saved, for how long, and who sees it."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.core.cache import cache
from django.http import HttpResponse
from pytest_django.asserts import assertContains

from accounts.models import User
from accounts.tidying import drop_expired_entries
from healing.guide import guide
from healing.guide_types import Exercise
from healing.models import Answer
from healing.visitor_answers import MAX_ANSWERS
from safety import signed_in_cookie
from tests.support.client import Client
from tests.support.database import Statements
from tests.support.private_words import ANSWER
from tests.support.visitors import EXERCISE, page_at, save, saved, words
from vault.sessions import Session

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
PUBLIC = {
    "/steps/1/filling-in/": {"moments-0-happened": "x"},
    "/steps/1/both-true/": {"one": "x", "other": "y"},
    "/steps/1/signs/": {"signs-talk": "often"},
    "/steps/2/hoping/": {"hoping": "x"},
    "/steps/4/self-compassion/": {"hurts": "x"},
    "/steps/8/small-wins/": {"wins-0": "x"},
}
MESSAGE = "/steps/2/one-message/"
BOUNDARY = "/steps/5/boundary/"
ODD = {
    "a NUL": "a\x00b",
    "half a surrogate pair": "a\ud800b",
    "marks of direction": "\u202eabc\u202c",
    "combining marks": "a" + "\u0301\u0323" * 300,
    "a template": "{{ user }}{% now %}<b>",
}


@pytest.fixture(autouse=True)
def fresh_limits(db: None) -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture(autouse=True)
def evening(now: datetime) -> Iterator[None]:
    with time_machine.travel(now, tick=False):
        yield


def change_exercise(monkeypatch: pytest.MonkeyPatch, key: str, change: Any) -> None:
    """Let the guide say something else about an exercise of step 1, as after an upgrade."""
    whole = guide()
    step = whole.steps[1]
    exercises = [change(each) if each.key == key else each for each in step.exercises]
    step = replace(step, exercises=tuple(each for each in exercises if each))
    changed = replace(whole, steps={**whole.steps, 1: step})
    monkeypatch.setattr("healing.converters.guide", lambda: changed)
    monkeypatch.setattr("healing.actions.guide", lambda: changed)


def test_public_exercises_are_those_of_the_design() -> None:
    public = {
        f"/steps/{number}/{exercise.key}/"
        for number, step in guide().steps.items()
        for exercise in step.exercises
        if exercise.public
    }

    assert public == set(PUBLIC)


@pytest.mark.parametrize(("address", "data"), PUBLIC.items())
def test_public_exercise_is_saved_without_an_account(
    client: Client, address: str, data: dict[str, str], now: datetime
) -> None:
    with time_machine.travel(now, tick=False):
        response = client.post(address, data)
        page = client.get(address).text

    assert (response.status_code, response.headers["Location"]) == (302, address)
    assert len(saved(client, now)) == 1
    assert "Delete this" in page
    assert "Keep it with an account" in page
    assert not Answer.objects.exists()


def test_page_says_beforehand_how_long_it_stays(client: Client) -> None:
    response = client.get(EXERCISE)
    page = response.text

    said, field = page.index("12 hours at most"), page.index("<textarea")
    assert said < field
    for more in ("an hour after", "“Leave now” deletes it at once", "No other browser sees it"):
        assert more in page[:field]
    # Typed words are not left in a memory of pages.
    assert response.headers["Cache-Control"] == "no-store, private"
    assert "n" not in client.cookies
    assert not Session.objects.exists()


def test_each_session_with_answers_counts_however_it_began(now: datetime) -> None:
    """Other pages make sessions without a limit."""
    kept = 0
    for _ in range(102):
        client = Client()
        client.post("/before/leave-out/")
        kept += save(client, "a word", now).status_code == 302

    assert kept == 100


def test_nothing_to_delete_makes_no_session(client: Client, db: None) -> None:
    client.post(f"{EXERCISE}{uuid4()}/drop/")

    assert not Session.objects.exists()


def test_exercise_that_is_not_public_saves_nothing(client: Client) -> None:
    before = client.get(BOUNDARY).text
    data = {"value": "kites", "situation": "x", "action": "walk"}
    page = client.post(BOUNDARY, data | {"id": str(uuid4())})
    foreign = client.post(BOUNDARY, data)

    assert "Nothing is saved here without an account" in before
    assert "csrfmiddlewaretoken" not in before
    assert page.status_code == 422
    assert "This cannot be saved without an account" in page.text
    assert 'value="kites"' in page.text
    assert "kites" not in foreign.text
    assert not Session.objects.exists()
    assert not Answer.objects.exists()


def test_answer_lasts_an_hour_untouched_and_twelve_at_most(client: Client, now: datetime) -> None:
    save(client, "early", now)

    assert "early" in page_at(client, EXERCISE, now + 59 * MINUTE)
    # Any page is a visit.
    page_at(client, "/steps/2/", now + 110 * MINUTE)
    assert "early" in page_at(client, EXERCISE, now + 160 * MINUTE)
    assert words(client, now + 219 * MINUTE) == ["early"]
    assert "early" not in page_at(client, EXERCISE, now + 221 * MINUTE)

    save(client, "late", now + 4 * HOUR)
    for number in range(1, 24):
        page_at(client, "/steps/", now + 4 * HOUR + number * 30 * MINUTE)
    assert words(client, now + 16 * HOUR - MINUTE) == ["late"]
    assert words(client, now + 16 * HOUR) == []


def test_expired_answer_leaves_the_stored_session_too(client: Client, now: datetime) -> None:
    save(client, "early", now)
    before = Session.objects.get().session_data

    drop_expired_entries(now=now + HOUR)

    row = Session.objects.get()
    assert row.session_data != before
    assert row.entries_end_at is None
    assert "visitor_answers" not in row.get_decoded()


def test_delete_this_deletes_one(client: Client, now: datetime) -> None:
    save(client, "the first", now)
    save(client, "the second", now)
    first = saved(client, now)[0]

    with time_machine.travel(now, tick=False):
        response = client.post(f"{EXERCISE}{first.id}/drop/")
        again = client.post(f"{EXERCISE}{first.id}/drop/")
        other = Client().post(f"{EXERCISE}{saved(client, now)[0].id}/drop/")

    assert response.headers["Location"] == EXERCISE
    assert (again.status_code, other.status_code) == (302, 302)
    assert words(client, now) == ["the second"]


def test_leaving_drops_everything(client: Client, now: datetime) -> None:
    save(client, "a word", now)

    with time_machine.travel(now, tick=False):
        client.get("/leave/")

    assert "a word" not in page_at(client, EXERCISE, now)
    assert not Session.objects.exists()


def test_form_of_a_visitor_who_left_is_refused_and_not_shown(now: datetime) -> None:
    """Back sends it again, and somebody else may be there by then."""
    client = Client(enforce_csrf_checks=True)
    token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', client.get(EXERCISE).text)
    assert token
    too_long = {"csrfmiddlewaretoken": token[1], "moments-0-happened": "typed " * 300}
    assert "typed typed" in client.post(EXERCISE, too_long).text
    client.get("/leave/")

    again = client.post(EXERCISE, too_long)

    assert again.status_code == 403
    assert "typed" not in again.text


def test_other_browser_sees_nothing(client: Client, as_bob: Client, now: datetime) -> None:
    save(client, "a word", now)

    for other in (Client(), as_bob):
        assert "a word" not in page_at(other, EXERCISE, now)


def test_same_page_sent_twice_is_saved_once(client: Client, now: datetime) -> None:
    id = str(uuid4())

    for happened in ("once", "once", "twice"):
        save(client, happened, now, id=id)

    assert words(client, now) == ["twice"]


def assert_kept_on_page(response: HttpResponse, said: str, word: str) -> None:
    assert response.status_code in {200, 422}
    assert said in response.text
    assert f"{word}</textarea>" in response.text


def test_eleventh_answer_stays_on_the_page(client: Client, now: datetime) -> None:
    for number in range(MAX_ANSWERS):
        assert save(client, f"number {number}", now).status_code == 302

    assert_kept_on_page(save(client, "one more", now), "no room for more", "one more")
    assert len(words(client, now)) == MAX_ANSWERS
    with time_machine.travel(now, tick=False):
        assertContains(client.get("/steps/2/hoping/"), f'<a href="{EXERCISE}">')


def test_hundred_kilobytes_are_the_limit(client: Client, now: datetime) -> None:
    # Four bytes each, and as much as each field takes.
    long = {
        f"moments-{row}-{name}": "🌊" * 1000
        for row in range(5)
        for name in ("happened", "filled_in")
    }
    full = long | {"stands_out": "🌊" * 2000}
    for number in range(2):
        assert save(client, "🌊" * 1000, now, **full).status_code == 302, number

    page = save(client, "🌊" * 1000, now, **full)

    assert_kept_on_page(page, "no room for more", "🌊")
    assert len(saved(client, now)) == 2
    assert save(client, "a short one", now).status_code == 302


def test_post_over_a_hundred_kilobytes_stays_on_the_page(client: Client, now: datetime) -> None:
    assert_kept_on_page(save(client, "x" * 120_000, now), "1000 fit", "x")


def test_a_hundred_extra_fields_are_ignored(client: Client, now: datetime) -> None:
    save(client, "a word", now, **{f"extra-{number}": "x" * 500 for number in range(100)})

    [answer] = saved(client, now)
    assert set(answer.fields) == {"moments", "stands_out"}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_odd_text_is_saved_as_it_is_or_stays_on_the_page(
    client: Client, odd: str, now: datetime
) -> None:
    raw = odd.encode("utf-8", "surrogatepass")
    body = b"moments-0-happened=" + b"".join(b"%%%02x" % byte for byte in raw)
    with time_machine.travel(now, tick=False):
        response = client.generic("POST", EXERCISE, body, "application/x-www-form-urlencoded")
        page = client.get(EXERCISE).text

    if response.status_code == 302:
        assert "<b>" not in page
        if "\ud800" not in odd:
            assert words(client, now) == [odd]
    else:
        assert response.status_code == 200
        assert "One character here can’t be saved" in response.text


def test_empty_answer_is_told_so(client: Client, now: datetime) -> None:
    assert "One word is enough" in save(client, "  ", now).text


def test_many_saves_from_one_address_are_asked_to_wait(client: Client, now: datetime) -> None:
    save(client, "one", now)
    for _ in range(99):
        save(Client(), "again", now)

    page = save(Client(), "the next", now)

    assert page.status_code == 429
    assert "the next</textarea>" in page.text
    assert save(client, "another", now).status_code == 302


def test_exercise_that_ceased_to_be_public_keeps_its_answers(
    client: Client, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(client, "a word", now)
    change_exercise(monkeypatch, "filling-in", lambda each: replace(each, public=False))

    page = page_at(client, EXERCISE, now)
    late = save(client, "too late", now)

    assert "a word" in page
    assert "Delete this" in page
    assert_kept_on_page(late, "cannot be saved without an account", "too late")


def test_exercise_that_is_gone_keeps_its_answers(
    client: Client, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(client, "a word", now)
    change_exercise(monkeypatch, "filling-in", lambda each: None)

    page = page_at(client, EXERCISE, now)
    late = save(client, "too late", now)

    assert "a word" in page
    assert "Delete this" in page
    assert late.status_code == 410
    assert "too late</textarea>" in late.text
    assert Client().get(EXERCISE).status_code == 404
    foreign = Client().post(EXERCISE, {"moments-0-happened": "kites"})
    assert (foreign.status_code, "kites" in foreign.text) == (404, False)
    [answer] = saved(client, now)
    with time_machine.travel(now, tick=False):
        assert client.post(f"{EXERCISE}{answer.id}/drop/").headers["Location"] == "/steps/1/"


def test_answer_to_a_reworded_exercise_is_shown_whole(
    client: Client, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(client, "a word", now)

    def reword(exercise: Exercise) -> Exercise:
        return replace(exercise, fields=exercise.fields[1:])

    change_exercise(monkeypatch, "filling-in", reword)

    assert "a word" in page_at(client, EXERCISE, now)


def test_locked_session_takes_no_answer(as_alice: Client, now: datetime) -> None:
    """It is Alice’s, and somebody else may be there now."""
    as_alice.get("/today/")
    as_alice.get("/leave/")

    page = save(as_alice, "of somebody", now)

    assert page.status_code == 422
    assert "visitor_answers" not in as_alice.session


def test_session_that_ended_meanwhile_keeps_the_words_on_the_page(
    client: Client, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(client, "a word", now)

    def end_session(request: object) -> bool:
        Session.objects.all().delete()
        return True

    monkeypatch.setattr("healing.visitor_views._may_begin", end_session)
    page = save(client, "another", now)
    monkeypatch.undo()

    assert page.status_code == 409
    assert "another</textarea>" in page.text
    assert save(client, "another", now).status_code == 302
    assert words(client, now) == ["another"]


def test_concurrent_save_is_not_written_over(client: Client, now: datetime) -> None:
    """Another tab has saved since this request read the session."""
    save(client, "the first", now)
    stale = client.session
    list(stale.keys())
    save(client, "the second", now)

    stale.change_value("visitor_answers", lambda entries: entries | {})

    assert words(client, now) == ["the first", "the second"]


def test_navigation_takes_nobody_for_signed_in(client: Client, now: datetime) -> None:
    save(client, "a word", now)
    page_at(client, EXERCISE, now)

    assert signed_in_cookie.name() not in client.cookies
    assert 'href="/accounts/login/"' in page_at(client, "/help/", now)


def test_signing_in_as_another_reaches_nothing_of_the_session_before(
    client: Client, alice: User, bob: User, now: datetime
) -> None:
    save(client, "a word", now)
    for person in (alice, bob):
        client.force_login(person)

    assert "visitor_answers" not in client.session


def test_nothing_typed_is_readable_in_the_session(client: Client, now: datetime) -> None:
    save(client, ANSWER, now)

    stored = Session.objects.get().session_data
    assert ANSWER not in stored
    assert saved(client, now)[0].fields["moments"][0]["happened"] == ANSWER
    # Neither in the address, nor in a cookie.
    assert ANSWER not in str(client.cookies)


def test_statements_and_weight(client: Client, statements: Statements, now: datetime) -> None:
    with time_machine.travel(now, tick=False):
        with statements() as without:
            client.get(EXERCISE)
        with statements() as first:
            client.post(EXERCISE, {"moments-0-happened": "a word"})
        with statements() as reading:
            client.get(EXERCISE)
    for number in range(MAX_ANSWERS - 2):
        save(client, f"Number {number}: she read it and did not answer.", now)
    with time_machine.travel(now + 5 * MINUTE, tick=False):
        with statements() as saving:
            client.post(EXERCISE, {"moments-0-happened": "a word"})
        page = client.get(EXERCISE, headers={"Accept-Encoding": "gzip"})

    assert without == []
    # The session; and eight of the rate limit, once in each browser.
    assert len(first) <= 2 + 8, first
    assert len(reading) == 1
    assert len(saving) <= 6, saving
    assert len(page.content) <= 6000


def test_question_that_a_choice_opens_is_asked_before_saving(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = guide().steps[2]
    exercises = tuple(
        replace(each, public=True, keeps_closed=False) if each.key == "one-message" else each
        for each in step.exercises
    )
    monkeypatch.setitem(guide().steps, 2, replace(step, exercises=exercises))  # type: ignore[arg-type]
    page, sent = client.get(MESSAGE).text, {"id": str(uuid4()), "way": "write"}
    assert 'name="message"' not in page

    page = client.post(MESSAGE, sent).text

    assert 'name="message"' in page
    assert 'id="kept"' not in client.get(MESSAGE).text
    page = client.post(MESSAGE, sent | {"message": "One thing.", "on_day": ""}, follow=True).text
    assert "One thing." in page
