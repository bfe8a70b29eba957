import re
from datetime import datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
import time_machine
from pytest_django import Settings

from accounts.actions import choose_name
from accounts.models import User
from healing import actions as healing
from healing.guide import guide
from healing.models import StepMark
from journal.models import Letter
from reminders.actions import turn_on
from reminders.models import Schedule
from tests.support.client import PASSWORD, Client
from tests.support.database import Statements
from tests.support.letters import a_letter
from vault.models import Key


def write(person: User, now: datetime, *, many: int = 1) -> None:
    for _ in range(many):
        a_letter(person, "secret words", to="M.", now=now)


def answer(person: User, number: int, now: datetime, *, many: int = 1) -> None:
    step = guide().steps[number]
    for _ in range(many):
        healing.save_answer(
            person=person,
            id=uuid4(),
            step=step,
            exercise=step.exercises[0],
            answer={"words": "secret words"},
            now=now,
        )


def text_of(client: Client, path: str) -> str:
    return client.get(path).content.decode()


def test_start_needs_no_account(client: Client, db: None) -> None:
    page = text_of(client, "/")

    assert "Someone you care about went quiet" in page
    assert 'href="/steps/1/"' in page
    assert "/help/" in page


def test_first_page_says_whom_it_is_not_for(client: Client, db: None) -> None:
    page = text_of(client, "/")
    first = page[page.index('id="first"') : page.index("</main>")]

    for words in (
        "You are in danger, or you are afraid of someone.",
        "You are thinking about harming yourself or ending your life.",
        "Someone close to you died not long ago.",
        "You hear or see things others do not",
        "You are under 16. This was not written for you yet.",
    ):
        assert words in first
    assert first.count('href="/help/') == 3
    assert 'href="/help/#young"' in first
    assert "It is not therapy, and it is not a crisis service." in page


def test_today_of_someone_new_has_nothing_waiting(as_alice: Client) -> None:
    page = text_of(as_alice, "/today/")

    assert "Begin anywhere" in page
    assert "No letters yet" in page
    assert "Reminders are off" in page


@pytest.mark.parametrize(
    ("at", "greeting"),
    [
        ("2026-03-12 05:30Z", "Good morning"),
        ("2026-03-12 13:00Z", "Good afternoon"),
        ("2026-03-12 20:14Z", "Good evening"),
        ("2026-03-12 02:00Z", "Good evening"),
    ],
)
def test_today_greets_by_local_time(as_alice: Client, alice: User, at: str, greeting: str) -> None:
    User.objects.filter(pk=alice.pk).update(time_zone="Atlantic/Reykjavik")
    with time_machine.travel(at, tick=False):
        as_alice.force_login(alice)
        assert greeting in text_of(as_alice, "/today/")


def test_today_greets_by_name(as_alice: Client, alice: User, now: datetime) -> None:
    choose_name(person=alice, name="Ali <b>", now=now)

    assert '<bdi translate="no">Ali &lt;b&gt;</bdi>' in text_of(as_alice, "/today/")


def test_today_goes_on_where_they_stopped(as_alice: Client, alice: User, now: datetime) -> None:
    answer(alice, 5, now)
    answer(alice, 2, now + timedelta(days=9))
    answer(alice, 1, now + timedelta(days=10))
    healing.mark_step(person=alice, step=guide().steps[1], state=StepMark.State.SETTLED, now=now)

    page = text_of(as_alice, "/today/")

    assert "Go on where you stopped" in page
    assert "To step 2" in page


@pytest.mark.parametrize(
    ("kind", "number"),
    [("plain", 3), ("evening-2", 3), ("friend", 4), ("night", 8), ("quiet", None)],
)
def test_a_letter_begins_the_step_that_names_its_kind(
    as_alice: Client, alice: User, now: datetime, kind: str, number: int | None
) -> None:
    answer(alice, 1, now - timedelta(days=1))
    a_letter(alice, kind=kind, now=now)

    assert f"To step {number or 1}" in text_of(as_alice, "/today/")
    begun = set(re.findall(r'class="pb">(\d)<', text_of(as_alice, "/progress/")))
    assert begun == {"1", str(number or 1)}


def test_the_last_change_of_a_step_is_that_of_its_answers_and_letters(
    as_alice: Client, alice: User, now: datetime
) -> None:
    a_letter(alice, kind="friend", now=now - timedelta(days=9))
    answer(alice, 5, now - timedelta(days=2))
    a_letter(alice, kind="friend", now=now)
    answer(alice, 4, now - timedelta(days=5))

    assert "To step 4" in text_of(as_alice, "/today/")


def test_a_letter_begins_the_third_step(as_alice: Client, alice: User, now: datetime) -> None:
    write(alice, now)

    page = text_of(as_alice, "/today/")

    assert "To step 3" in page
    assert "Begun" in text_of(as_alice, "/steps/")
    assert "Begun" in text_of(as_alice, "/progress/")
    assert "secret words" not in page
    assert "M." not in page


def test_today_when_every_step_is_decided(as_alice: Client, alice: User, now: datetime) -> None:
    for step in guide().steps.values():
        healing.mark_step(person=alice, step=step, state=StepMark.State.SETTLED, now=now)

    assert "The closing words" in text_of(as_alice, "/today/")


@pytest.mark.parametrize("many", [1, 30])
def test_statements_of_today_do_not_grow(
    as_alice: Client, alice: User, now: datetime, statements: Statements, many: int
) -> None:
    choose_name(person=alice, name="Ali", now=now)
    write(alice, now, many=many)
    answer(alice, 1, now, many=many)
    turn_on(person=alice, hour=18, zone="Europe/Dublin", now=now)
    as_alice.get("/today/")

    with statements() as queries:
        as_alice.get("/today/")

    assert len(queries) == 8


@pytest.mark.parametrize("path", ["/progress/", "/you/", "/you/privacy/", "/steps/", "/steps/1/"])
def test_statements_of_other_pages_stay_within_their_budget(
    as_alice: Client, alice: User, now: datetime, statements: Statements, path: str
) -> None:
    choose_name(person=alice, name="Ali", now=now)
    write(alice, now, many=3)
    answer(alice, 1, now, many=3)
    as_alice.get(path)

    with statements() as queries:
        as_alice.get(path)

    assert len(queries) <= 6


def test_pages_stay_up_when_the_key_does_not_open(
    as_alice: Client, alice: User, now: datetime
) -> None:
    choose_name(person=alice, name="Ali", now=now)
    Key.objects.update(kek="k9")

    assert as_alice.get("/today/").status_code == 200
    assert as_alice.get("/you/").status_code == 200
    page = as_alice.post("/you/", {"name": "Bo", "time_zone": "Europe/Paris", "language": "en"})
    assert "We cannot open this" in page.content.decode()
    assert User.objects.get(pk=alice.pk).time_zone == "UTC"


def test_progress_is_shown_in_words(as_alice: Client, alice: User, now: datetime) -> None:
    assert "Still water" in text_of(as_alice, "/progress/")
    answer(alice, 2, now)
    healing.mark_step(person=alice, step=guide().steps[4], state=StepMark.State.ASIDE, now=now)

    page = text_of(as_alice, "/progress/")

    assert "Begun" in page
    assert guide().steps[2].title in page
    assert "Skipped" in page
    assert not re.search(r"\d+ ?%", page)


def test_preferences_are_saved(as_alice: Client, alice: User) -> None:
    data = {"name": "Ali", "time_zone": "Europe/Paris", "language": "en"}

    page = as_alice.post("/you/", data, follow=True).content.decode()

    fresh = User.objects.get(pk=alice.pk)
    assert "Saved." in page
    assert (fresh.preferred_name, fresh.time_zone) == ("Ali", "Europe/Paris")


def test_reminders_follow_the_saved_time_zone(as_alice: Client, alice: User, now: datetime) -> None:
    turn_on(person=alice, hour=8, zone="Pacific/Auckland", now=now)
    data = {"name": "", "time_zone": "America/Los_Angeles", "language": "en"}

    with time_machine.travel(now, tick=False):
        as_alice.post("/you/", data)

    schedule = Schedule.objects.of(alice).get()
    assert schedule.next_due_at is not None
    assert 8 <= schedule.next_due_at.astimezone(ZoneInfo("America/Los_Angeles")).hour < 10


@pytest.mark.parametrize(
    "wrong",
    [{"name": "x" * 61}, {"time_zone": "Nowhere/Land"}, {"language": "xx"}, {"name": "a\x00b"}],
)
def test_invalid_preference_is_reported(
    as_alice: Client, alice: User, settings: Settings, wrong: dict[str, str]
) -> None:
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    data = {"name": "Ali", "time_zone": "Europe/Paris", "language": "en"} | wrong

    page = as_alice.post("/you/", data)

    assert page.status_code == 200
    assert 'role="alert"' in page.content.decode()
    assert User.objects.get(pk=alice.pk).time_zone == "UTC"


def test_erasing_asks_for_the_password(as_alice: Client, alice: User) -> None:
    page = as_alice.post("/you/privacy/erase/", {"password": "something else"})

    assert "Nothing was erased." in page.content.decode()
    assert User.objects.filter(pk=alice.pk).exists()


def test_erasing_leaves_nothing_and_says_goodbye(
    as_alice: Client, alice: User, bob: User, now: datetime
) -> None:
    write(alice, now)
    write(bob, now)

    answer = as_alice.post("/you/privacy/erase/", {"password": PASSWORD})

    # Letters that wait in the browser can no longer be opened: the browser must drop them.
    assert answer.headers["Clear-Site-Data"] == '"storage"'
    assert "It is gone" in as_alice.get(answer.url).text
    assert not User.objects.filter(pk=alice.pk).exists()
    assert Letter.objects.get().owner == bob
    assert as_alice.get("/today/").status_code == 302
