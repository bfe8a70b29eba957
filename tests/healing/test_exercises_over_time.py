"""What exercises do over days and weeks: follow-ups, asked again, once a day, an end."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import connections, transaction

from accounts.models import User
from healing.actions import save_answer
from healing.due_question import LOOKED_AT, due_question
from healing.exercise_availability import Saved, availability_after
from healing.gathering_kinds import GATHERINGS
from healing.guide import guide
from healing.guide_types import Exercise
from healing.models import Answer
from tests.support.client import Client
from tests.support.database import Statements
from tests.support.letters import a_letter
from tests.support.returned_forms import on_a_page_of, shown
from vault.models import Key

DAY = timedelta(days=1)


def save(person: User, now: datetime, number: int, key: str, **fields: Any) -> Answer:
    step = guide().steps[number]
    exercise = step.exercise(key)
    assert exercise
    return save_answer(
        person=person, id=uuid4(), step=step, exercise=exercise, answer=fields, now=now
    )


def mine(person: User, now: datetime, thing: str, *, in_days: int) -> Answer:
    day = (now + in_days * DAY).date().isoformat()
    return save(person, now, 4, "mine", before=[], this_week=thing, on_day=day)


def today(client: Client, person: User, at: datetime) -> str:
    with time_machine.travel(at, tick=False):
        client.force_login(person)
        return client.get("/today/").text


def say(client: Client, row: Answer, said: str, at: datetime) -> str:
    address = f"/steps/{row.step}/{row.exercise}/{row.pk}/follow-up/"
    with time_machine.travel(at, tick=False):
        client.force_login(row.owner)
        return client.post(address, {"said": said}, follow=True).text


def test_follow_up_is_asked_from_its_day_and_once(
    as_alice: Client, alice: User, now: datetime
) -> None:
    row = mine(alice, now, "an early swim", in_days=3)

    assert "an early swim" not in today(as_alice, alice, now + 2 * DAY)
    page = today(as_alice, alice, now + 5 * DAY)
    assert "Did it happen?" in page
    assert "an early swim" in page
    assert today(as_alice, alice, now + 6 * DAY).count("an early swim") == 1

    said = say(as_alice, row, "partly", now + 6 * DAY)

    assert "Any answer is fine." in said
    assert "an early swim" not in said
    row.refresh_from_db()
    contents = row.open(alice.key)
    assert (contents.followed_up, row.asks_at) == ("partly", None)
    as_alice.force_login(alice)
    assert "Part of it" in as_alice.get("/saved/mine/").text


def test_follow_ups_are_asked_one_at_a_time_the_longest_due_first(
    as_alice: Client, alice: User, now: datetime
) -> None:
    mine(alice, now, "the later one", in_days=3)
    first = mine(alice, now, "the earlier one", in_days=2)
    at = now + 10 * DAY

    page = today(as_alice, alice, at)
    assert ("the earlier one" in page, "the later one" in page) == (True, False)

    page = say(as_alice, first, "-", at)
    assert "You will not be asked about this any more." in page
    assert ("the earlier one" in page, "the later one" in page) == (False, True)


@pytest.mark.parametrize("said", ["", "yes", "x" * 5000, "\x00", "did it"])
def test_what_is_not_offered_changes_nothing(
    as_alice: Client, alice: User, now: datetime, said: str
) -> None:
    row = mine(alice, now, "an early swim", in_days=1)
    before = bytes(row.sealed)

    assert "Nothing was changed." in say(as_alice, row, said, now + 2 * DAY)

    row.refresh_from_db()
    assert (bytes(row.sealed), row.asks_at is not None) == (before, True)


def test_a_follow_up_to_what_is_deleted_meanwhile_is_not_found(
    as_alice: Client, alice: User, now: datetime
) -> None:
    row = mine(alice, now, "an early swim", in_days=1)
    address = f"/steps/4/mine/{row.pk}/follow-up/"
    row.delete()

    assert as_alice.post(address, {"said": "did"}).status_code == 404


def test_another_day_asks_again_and_no_day_asks_no_more(
    as_alice: Client, alice: User, now: datetime
) -> None:
    row = mine(alice, now, "an early swim", in_days=1)
    say(as_alice, row, "did", now + 2 * DAY)
    place = f"/steps/4/mine/{row.pk}/"

    for day, is_asked in ((now + 9 * DAY, True), (None, False)):
        data = {"this_week": "an early swim", "on_day": day.date().isoformat() if day else ""}
        with time_machine.travel(now + 3 * DAY, tick=False):
            as_alice.force_login(alice)
            as_alice.post(place, on_a_page_of(alice) | shown(alice, row) | data)
        row.refresh_from_db()
        assert (row.asks_at is not None) == is_asked
    assert row.open(alice.key).followed_up == "did"


def test_sitting_with_questions_has_a_bell_and_ends_with_one_question(
    as_alice: Client, alice: User, now: datetime
) -> None:
    save(alice, now, 2, "question-time", whys=["Why that week?"], at_hour="17:30")

    page = today(as_alice, alice, now + 2 * DAY)

    asked = page[page.index('id="asked"') :]
    asked = asked[: asked.index("</section>")]
    assert "Why that week?" in asked
    assert 'data-bell="15"' in asked
    assert "A soft bell in 15 minutes" in asked
    assert 'data-bell-said="That was a quarter of an hour' in asked
    assert "Is there anything to do?" in re.sub("<.*?>", "", asked)
    assert "js/bell_timer" in page


def test_question_without_a_sitting_has_no_bell(
    as_alice: Client, alice: User, now: datetime
) -> None:
    mine(alice, now, "an early swim", in_days=3)

    assert "data-bell" not in today(as_alice, alice, now + 5 * DAY)


@pytest.mark.parametrize(
    ("hour", "is_offered"), [("07:59", False), ("20:00", True), ("20:01", False)]
)
def test_questions_keep_away_from_sleep(
    as_alice: Client, alice: User, hour: str, *, is_offered: bool
) -> None:
    data = {"whys-0": "Why that week?", "at_hour": hour}
    page = as_alice.post("/steps/2/question-time/", on_a_page_of(alice) | data)

    assert (page.status_code == 302) is is_offered
    assert Answer.objects.of(alice).exists() is is_offered
    assert "two hours before you sleep" in as_alice.get("/steps/2/question-time/").text


def test_nothing_counts_what_is_filled_in(as_alice: Client, alice: User, now: datetime) -> None:
    """Saving it once or nine times shows the same everywhere, but for the answers themselves."""
    pages = ("/today/", "/steps/", "/steps/1/", "/progress/", "/saved/", "/you/")
    place = "/steps/1/filling-in/"

    def texts() -> list[str]:
        with time_machine.travel(now, tick=False):
            as_alice.force_login(alice)
            own = re.sub('(?s)<section[^>]*="kept">.*</section>', "", as_alice.get(place).text)
            shown = [*(as_alice.get(page).text for page in pages), own]
        return [re.sub("<[^>]*>", "", page) for page in shown]

    rows = [{"happened": "a", "filled_in": "b"}] * 4
    save(alice, now, 1, "filling-in", moments=rows[:1])
    once = texts()
    for _time in range(8):
        save(alice, now, 1, "filling-in", moments=rows)

    assert texts() == once


def test_filling_in_ends_by_looking_up(as_alice: Client, alice: User) -> None:
    data = on_a_page_of(alice) | {"moments-0-happened": "No reply."}
    page = as_alice.post("/steps/1/filling-in/", data, follow=True).text

    assert "find three things in the room" in page


def test_what_cannot_be_asked_stands_in_nobody_elses_way(alice: User, now: datetime) -> None:
    gone = mine(alice, now, "gone", in_days=1)
    Answer.objects.filter(pk=gone.pk).update(exercise="gone")
    damaged = mine(alice, now, "damaged", in_days=1)
    Answer.objects.filter(pk=damaged.pk).update(sealed=b"damaged")
    mine(alice, now, "an early swim", in_days=2)

    question = due_question(alice, now + 5 * DAY)

    assert question
    assert question.about == "an early swim"


def test_however_much_is_due_that_cannot_be_asked_the_rest_is(alice: User, now: datetime) -> None:
    day = (now + DAY).date().isoformat()
    for _time in range(LOOKED_AT):
        mine(alice, now, "gone", in_days=1)
        save(alice, now, 2, "one-message", way="write", message="One thing.", on_day=day)
    Answer.objects.filter(exercise="mine").update(exercise="gone")
    mine(alice, now, "an early swim", in_days=2)

    question = due_question(alice, now + 5 * DAY, hides_contact=True)

    assert question
    assert question.about == "an early swim"


def test_question_about_a_checklist_repeats_what_was_ticked(alice: User, now: datetime) -> None:
    ways = {"ticked": ["mute"], "own": "a longer way home"}
    save(alice, now, 2, "looking", ways=ways, on_day=(now + DAY).date().isoformat())

    question = due_question(alice, now + 5 * DAY)

    assert question
    assert question.about == "Mute them; a longer way home"


def still_me(person: User, now: datetime, words: str) -> Answer:
    return save(person, now, 4, "still-me", someone=words)


def test_same_questions_are_asked_after_four_and_eight_weeks(
    as_alice: Client, alice: User, now: datetime
) -> None:
    asked = "asked the same ones again?"
    first = still_me(alice, now, "keeps bees")
    # With nothing to compare it stays closed, though nothing is due.
    with time_machine.travel(now + DAY, tick=False):
        as_alice.force_login(alice)
        page = as_alice.get("/saved/then-and-now/").text
        assert ("keeps bees" in page, "stays closed here" in page) == (False, True)
    assert asked not in today(as_alice, alice, now + 27 * DAY)
    assert asked in today(as_alice, alice, now + 28 * DAY)

    # What was written first stays closed until the second answer is saved.
    with time_machine.travel(now + 28 * DAY, tick=False):
        for page in ("/steps/4/still-me/", "/saved/then-and-now/", "/today/"):
            assert "keeps bees" not in as_alice.get(page).text
        second = still_me(alice, now + 28 * DAY, "sold the bees")
        text = as_alice.get("/saved/then-and-now/").text
    assert text.index("keeps bees") < text.index("sold the bees")

    assert asked not in today(as_alice, alice, now + 40 * DAY)
    assert asked in today(as_alice, alice, now + 56 * DAY)
    with time_machine.travel(now + 56 * DAY, tick=False):
        assert "bees" not in as_alice.get("/saved/then-and-now/").text
    still_me(alice, now + 56 * DAY, "has a dog")
    assert asked not in today(as_alice, alice, now + 500 * DAY)
    assert [row.asks_at for row in (first, second) if row.refresh_from_db()] == []


def test_being_asked_again_can_be_refused_for_good(
    as_alice: Client, alice: User, now: datetime
) -> None:
    row = still_me(alice, now, "keeps bees")

    page = say(as_alice, row, "-", now + 30 * DAY)

    assert "You will not be asked about this any more." in page
    assert due_question(alice, now + 500 * DAY) is None


def test_answer_that_is_sent_twice_is_asked_again_once(as_alice: Client, alice: User) -> None:
    data = on_a_page_of(alice, someone="keeps bees", id=str(uuid4()))

    for _time in range(2):
        as_alice.post("/steps/4/still-me/", data)

    (row,) = Answer.objects.of(alice)
    assert row.asks_at == row.created_at + timedelta(weeks=4)


def test_deleting_the_newest_leaves_the_one_before_to_be_asked_again(
    as_alice: Client, alice: User, now: datetime
) -> None:
    first = still_me(alice, now, "keeps bees")
    second = still_me(alice, now + 25 * DAY, "sold the bees")

    as_alice.post(f"/steps/4/still-me/{second.pk}/delete/")

    first.refresh_from_db()
    assert first.asks_at == now + timedelta(weeks=8)


def test_deleting_starts_no_question_that_was_refused_or_belongs_to_another(
    as_alice: Client, alice: User, now: datetime
) -> None:
    """An answer that was asked about on its day takes no question over from the next one."""
    still_me(alice, now, "keeps bees")
    refused = still_me(alice, now + DAY, "sold the bees")
    say(as_alice, refused, "-", now + 30 * DAY)
    told = mine(alice, now, "an early swim", in_days=1)
    say(as_alice, told, "did", now + 2 * DAY)
    open_one = mine(alice, now + DAY, "a late swim", in_days=9)

    as_alice.force_login(alice)
    as_alice.post(f"/steps/4/still-me/{refused.pk}/delete/")
    as_alice.post(f"/steps/4/mine/{open_one.pk}/delete/")

    assert not Answer.objects.filter(asks_at__isnull=False).exists()


def test_correcting_an_older_answer_leaves_the_newest_to_be_asked_again(
    as_alice: Client, alice: User, now: datetime
) -> None:
    """A copy of an older page was put back and is saved once more."""
    page = on_a_page_of(alice, someone="keeps bees", id=str(uuid4()))
    as_alice.post("/steps/4/still-me/", page)
    first = Answer.objects.of(alice).get()
    second = still_me(alice, first.created_at + DAY, "sold the bees")
    asks_at = second.asks_at

    as_alice.post(
        "/steps/4/still-me/", page | shown(alice, first) | {"someone": "keeps bees and hens"}
    )

    for row in (first, second):
        row.refresh_from_db()
    assert first.open(alice.key).fields["someone"] == "keeps bees and hens"
    assert (first.asks_at, second.asks_at) == (None, asks_at)


@pytest.mark.django_db(transaction=True)
def test_two_tabs_at_once_leave_one_to_be_asked_again(alice: User, now: datetime) -> None:
    """Each has read the answers before the other one has saved its own."""
    both_begin = Barrier(2)

    def tab(seconds: int) -> None:
        try:
            with transaction.atomic():
                Answer.objects.of(alice).count()
                both_begin.wait(timeout=10)
                still_me(alice, now + timedelta(seconds=seconds), "keeps bees")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(tab, range(2)))

    newest, older = Answer.objects.of(alice).newest_first()
    assert (newest.asks_at is not None, older.asks_at) == (True, None)


def test_one_moment_a_day(as_alice: Client, alice: User, now: datetime) -> None:
    place, data = "/steps/1/moments/", {"happened": "A short reply."}

    def post(words: str) -> Any:
        fields = data | {"happened": words, "id": str(uuid4())}
        return as_alice.post(place, on_a_page_of(alice) | fields, follow=True)

    with time_machine.travel(now, tick=False):
        as_alice.force_login(alice)
        assert 'name="happened"' in as_alice.get(place).text
        page = post("A short reply.").text
        assert "There is room for another one tomorrow" in page
        assert 'name="happened"' not in page
        # It is closed again: yesterday's cold is not to be read every evening.
        assert "A short reply." not in page

        refused = post("Another one.")
        assert refused.status_code == 422
        assert "No other answer can be saved here today." in refused.text
        assert "Another one." in refused.text

    with time_machine.travel(now + DAY, tick=False):
        as_alice.force_login(alice)
        assert 'name="happened"' in as_alice.get(place).text
    assert Answer.objects.of(alice).count() == 1


def test_moments_end_after_two_weeks_with_one_look_back(
    as_alice: Client, alice: User, now: datetime
) -> None:
    for day in (0, 3):
        save(alice, now + day * DAY, 1, "moments", happened=f"day {day}", felt="warm")

    with time_machine.travel(now + 15 * DAY, tick=False):
        as_alice.force_login(alice)
        page = as_alice.get("/steps/1/moments/").text
        assert "Two weeks are over" in page
        assert 'name="happened"' not in page
        # One tap opens them all, and nothing does so by itself.
        folded = page[page.index('<details class="more">') : page.index("</details>")]
        assert "day 0" in folded
        assert "day 3" in folded
        assert not re.search("day [03]", page.replace(folded, ""))
        for other in ("/today/", "/steps/1/", "/progress/", "/saved/"):
            assert not re.search("day [03]", as_alice.get(other).text), other

        data = on_a_page_of(alice, id=str(uuid4()), happened="Typed on the last day.")
        refused = as_alice.post("/steps/1/moments/", data)
        assert refused.status_code == 422
        assert "Typed on the last day." in refused.text
        assert "It has come to its end" in refused.text

        Answer.objects.of(alice).delete()
        assert 'name="happened"' in as_alice.get("/steps/1/moments/").text


def test_gathered_page_shows_what_several_exercises_made(
    as_alice: Client, alice: User, now: datetime
) -> None:
    save(alice, now, 2, "if-then", moment="it is late", act="walk", other="")
    save(
        alice, now, 5, "boundary", value="calm", situation="days pass", action="ring Jo", on_day=""
    )
    save(alice, now, 1, "both-true", one="I miss it", other="I am tired")

    page = as_alice.get("/saved/cards/").text

    assert "If it is late, then I will walk." in page
    assert "I value calm." in page
    assert "Both are true" not in page
    assert "Both are true: I miss it, and I am tired." in as_alice.get("/saved/sentences/").text
    assert as_alice.get("/saved/nothing/").status_code == 404


@pytest.mark.parametrize("many", [1, 60])
def test_statements_of_a_gathered_page_do_not_grow(
    as_alice: Client, alice: User, now: datetime, statements: Statements, many: int
) -> None:
    for number in range(many):
        save(alice, now, 8, "small-wins", wins=[f"win {number}"], my_part="")
    as_alice.get("/saved/wins/")

    with statements() as queries:
        page = as_alice.get("/saved/wins/").text

    assert len(queries) == (2 if many == 1 else 3)
    assert len(re.findall(r"win \d+", page)) == min(many, 20)


def test_gathered_pages_without_an_answer_lead_to_their_exercises(as_alice: Client) -> None:
    list_of_pages = as_alice.get("/saved/").text
    for address in set(re.findall(r'href="(/saved/\S+/)"', list_of_pages)):
        page = as_alice.get(address)
        assert page.status_code == 200
        assert "Nothing is saved here yet" in page.text


def test_what_cannot_be_opened_is_said_on_a_gathered_page(
    as_alice: Client, alice: User, now: datetime
) -> None:
    save(alice, now, 8, "small-wins", wins=["slept"], my_part="")
    Key.objects.filter(owner=alice).update(wrapped=b"damaged")

    assert as_alice.get("/saved/wins/").status_code in {200, 503}


def post(client: Client, person: User, address: str, **fields: str) -> str:
    data = on_a_page_of(person, id=str(uuid4()), **fields)
    return client.post(address, data, follow=True).text


def main_links(page: str) -> list[str]:
    return re.findall(r'href="(\S+)"', page[page.index("<main") : page.index("</main>")])


def test_after_a_save_one_way_leads_on(as_alice: Client, alice: User, now: datetime) -> None:
    page = post(as_alice, alice, "/steps/5/boundary/", value="calm", situation="x", action="rest")

    # What was saved first, then the way on, then a folded form for another one.
    assert page.index("I value calm.") < page.index("Next: ") < page.index("Write another")
    assert "That’s enough for today" in page
    assert "Done for now" in page

    page = post(as_alice, alice, "/steps/1/both-true/", one="I miss it", other="I am tired")
    assert "/steps/1/moments/" in main_links(page)

    for key in ("filling-in", "moments"):
        save(alice, now, 1, key)
    page = post(as_alice, alice, "/steps/1/both-true/", one="I miss it", other="I am tired")
    assert "/steps/2/" in main_links(page)


def test_after_a_save_a_letter_that_is_written_is_not_next(
    as_alice: Client, alice: User, now: datetime
) -> None:
    a_letter(alice, kind="friend", now=now)
    page = post(as_alice, alice, "/steps/4/self-compassion/", hurts="It is late.")
    assert "/steps/4/mine/" in main_links(page)
    assert "/journal/write/friend/" not in main_links(page)

    a_letter(alice, kind="evening-1", now=now)
    for number, key in ((1, "filling-in"), (1, "moments"), (2, "if-then")):
        save(alice, now, number, key)
    page = post(as_alice, alice, "/steps/1/both-true/", one="I miss it", other="I am tired")
    # Steps 2, 3 and 4 are begun.
    assert "/steps/5/" in main_links(page)


def test_only_the_page_after_a_save_leads_on(as_alice: Client, alice: User, now: datetime) -> None:
    save(alice, now, 1, "both-true", one="I miss it", other="I am tired")

    page = as_alice.get("/steps/1/both-true/").text

    assert "Write another" not in page
    assert "On to step" not in page


def test_step_lists_its_exercises_before_its_reading(
    as_alice: Client, alice: User, now: datetime
) -> None:
    save(alice, now, 1, "both-true", one="I miss it", other="I am tired")
    step = guide().steps[1]

    page = as_alice.get("/steps/1/").text

    places = [page.index(f"/steps/1/{exercise.key}/") for exercise in step.exercises]
    assert places == sorted(places)
    assert max(*places, page.index(step.two_minutes)) < page.index(step.html)
    assert page.count("· saved") == 1


def test_what_is_gathered_can_be_found(as_alice: Client, alice: User, now: datetime) -> None:
    assert "/saved/" in main_links(as_alice.get("/steps/").text)
    assert "/saved/" not in main_links(Client().get("/steps/").text)

    page = post(as_alice, alice, "/steps/1/both-true/", one="I miss it", other="I am tired")

    assert "/saved/sentences/" in main_links(page)
    assert {f"/saved/{key}/" for key in GATHERINGS} <= set(main_links(as_alice.get("/saved/").text))


def test_every_gathered_page_has_an_exercise() -> None:
    gathers = {each.gathers for step in guide().steps.values() for each in step.exercises}

    assert gathers - {""} == set(GATHERINGS)


@pytest.mark.parametrize(("answers", "is_closed"), [(6, False), (7, True), (8, True)])
def test_exercise_closes_after_so_many_answers(
    alice: User, now: datetime, answers: int, is_closed: bool
) -> None:
    exercise = Exercise("seven", "Seven", 1, "Seven evenings.", closes_after_answers=7)
    saved = Saved(answers, now - 60 * DAY, now)

    available = availability_after(saved, exercise, person=alice, now=now)

    assert (available.is_closed, available.is_open) == (is_closed, not is_closed)
