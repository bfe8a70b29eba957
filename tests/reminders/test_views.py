import gzip
from datetime import datetime

import pytest
import time_machine

from accounts.models import User
from accounts.time_zones import listed_zones, places, zone_names
from mail.models import Message
from reminders.models import Schedule
from tests.conftest import Client, Statements

pytestmark = pytest.mark.django_db

PAGE = "/you/reminders/"


@pytest.fixture
def stranger() -> Client:
    return Client(enforce_csrf_checks=True)


# --- Choosing ------------------------------------------------------------------------------


def test_notes_are_off_until_they_are_chosen(as_alice: Client, alice: User) -> None:
    page = as_alice.get(PAGE)

    assert page.status_code == 200
    assert "Right now we send you nothing." in page.text
    assert "Turn notes off" not in page.text
    assert not Schedule.objects.exists()
    # Nobody is presumed to live anywhere.
    assert '<option value="" selected>' in page.text


def test_choosing_turns_notes_on_for_her_alone(as_alice: Client, alice: User, bob: User) -> None:
    with time_machine.travel(datetime.fromisoformat("2026-03-12T11:00Z"), tick=False):
        answer = as_alice.post(PAGE, {"hour": "19", "zone": "Europe/Berlin"}, follow=True)

    schedule = Schedule.objects.get()
    alice.refresh_from_db()
    assert (schedule.person, schedule.hour, alice.time_zone) == (alice, 19, "Europe/Berlin")
    assert answer.redirect_chain == [(PAGE, 302)]
    assert "Notes are on, around 7 pm." in answer.text
    assert "A note may come around 7 pm" in answer.text
    assert "<option selected>Berlin</option>" in answer.text


def test_zone_may_be_one_that_only_browsers_name(as_alice: Client, alice: User) -> None:
    as_alice.post(PAGE, {"hour": "9", "zone": "Asia/Calcutta"})

    alice.refresh_from_db()
    assert alice.time_zone == "Asia/Calcutta"
    assert "<option selected>Asia/Calcutta</option>" in as_alice.get(PAGE).text


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"hour": "7", "zone": "Europe/Berlin"},
        {"hour": "20", "zone": "Europe/Berlin"},
        {"hour": "19", "zone": ""},
        {"hour": "19", "zone": "Europe/Atlantis"},
        {"hour": "19", "zone": "../../etc/passwd"},
        {"hour": "19", "zone": "Europe/Berlin\x00"},
        {"hour": "nine", "zone": "Europe/Berlin"},
    ],
)
def test_what_was_not_offered_is_answered_kindly_and_changes_nothing(
    as_alice: Client, data: dict[str, str]
) -> None:
    answer = as_alice.post(PAGE, data)

    assert answer.status_code == 200
    assert 'role="alert"' in answer.text
    assert not Schedule.objects.exists()


def test_turning_off_leaves_nothing_of_the_wish(as_alice: Client, chosen: Schedule) -> None:
    answer = as_alice.post("/you/reminders/off/", follow=True)

    assert "Notes are off. Nothing more will come." in answer.text
    assert not Schedule.objects.exists()
    assert as_alice.post("/you/reminders/off/").status_code == 302


def test_turning_off_is_nobody_elses(as_bob: Client, chosen: Schedule) -> None:
    as_bob.post("/you/reminders/off/")

    assert Schedule.objects.get() == chosen


def test_page_shows_the_first_note_word_for_word_and_who_it_comes_from(
    as_alice: Client, chosen: Schedule
) -> None:
    page = as_alice.get(PAGE)

    assert "Subject: A note for you" in page.text
    assert "This is one of them, and it asks nothing of you today." in page.text
    assert "It comes from “Notes”" in page.text
    assert f"/r/{chosen.token}/" in page.text


def test_page_for_somebody_whose_notes_fell_silent_offers_to_start_again(
    as_alice: Client, chosen: Schedule
) -> None:
    Schedule.objects.update(unanswered=5, next_due_at=None)

    page = as_alice.get(PAGE)
    assert "The notes have gone quiet, as they said they would." in page.text
    assert "Start them again" in page.text

    as_alice.post(PAGE, {"hour": "9", "zone": "Europe/Berlin"})
    chosen.refresh_from_db()
    assert (chosen.unanswered, chosen.has_fallen_silent) == (0, False)


def test_page_takes_few_statements(as_alice: Client, statements: Statements) -> None:
    as_alice.get(PAGE)
    with statements() as off:
        as_alice.get(PAGE)
    as_alice.post(PAGE, {"hour": "9", "zone": "Europe/Berlin"})
    as_alice.get(PAGE)
    with statements() as on:
        as_alice.get(PAGE)

    assert len(off) == len(on) <= 6, on


def test_choosing_touches_neither_mail_server_nor_broker(
    as_alice: Client, socket_disabled: None
) -> None:
    """Every Python socket is forbidden; only the database's own library may talk."""
    answer = as_alice.post(PAGE, {"hour": "9", "zone": "Europe/Berlin"})

    assert answer.status_code == 302
    assert Schedule.objects.exists()


def test_strangers_are_asked_to_sign_in(stranger: Client) -> None:
    assert stranger.get(PAGE).status_code == 302


def test_every_listed_place_stands_once_and_means_its_zone() -> None:
    listed = [place for _region, group in listed_zones() for place, _label in group]

    assert listed == list(places())
    assert set(places().values()) <= zone_names()
    assert len(listed) > 400
    assert places()["Argentina, Buenos Aires"] == "America/Argentina/Buenos_Aires"
    assert [region for region, _group in listed_zones()][:2] == ["Africa", "America"]


def test_place_of_the_list_is_stored_as_its_zone(as_alice: Client, alice: User) -> None:
    as_alice.post(PAGE, {"hour": "9", "zone": "Argentina, Buenos Aires"})

    alice.refresh_from_db()
    assert alice.time_zone == "America/Argentina/Buenos_Aires"
    assert "<option selected>Argentina, Buenos Aires</option>" in as_alice.get(PAGE).text


def test_page_is_light(as_alice: Client) -> None:
    page = as_alice.get(PAGE)

    assert len(gzip.compress(page.content, 6)) < 6_000


# --- The stop link of a mail ---------------------------------------------------------------


def test_scanner_that_follows_the_link_changes_nothing(
    stranger: Client, planned: Message, chosen: Schedule
) -> None:
    before = (list(Schedule.objects.values()), list(Message.objects.values()))
    url = f"/r/{chosen.token}/"
    chosen.refresh_from_db()

    for _ in range(20):
        for ask in (stranger.get, stranger.head, stranger.options):
            answer = ask(url)
            assert answer.status_code == 200
            assert not answer.cookies

    assert (list(Schedule.objects.values()), list(Message.objects.values())) == before


def test_page_of_the_link_is_one_button(stranger: Client, chosen: Schedule) -> None:
    page = stranger.get(f"/r/{chosen.token}/")

    assert "Stop these notes?" in page.text
    assert page.text.count("<form") == page.text.count("<button") == 1
    assert "csrfmiddlewaretoken" not in page.text
    assert "alice" not in page.text


def test_post_without_cookies_stops_the_notes_however_often_it_comes(
    stranger: Client, planned: Message, chosen: Schedule
) -> None:
    for _ in range(2):
        answer = stranger.post(
            f"/r/{chosen.token}/",
            "List-Unsubscribe=One-Click",
            content_type="application/x-www-form-urlencoded",
        )
        assert answer.status_code == 200
        assert "The notes have stopped" in answer.text
        assert not answer.cookies

    assert not Schedule.objects.exists()
    planned.refresh_from_db()
    assert (planned.state, planned.reason) == ("skipped", "stopped")


@pytest.mark.parametrize(
    "token", ["x" * 22, "x" * 21, "x" * 500, "%00" * 22, "ü" * 22, "' OR 1=1 --", "%F0%9F%92%94"]
)
def test_token_that_means_nobody_gets_the_same_pages(
    stranger: Client, chosen: Schedule, token: str
) -> None:
    assert _page(stranger, "get", token) == _page(stranger, "get", chosen.token)
    stopped = _page(stranger, "post", token)
    assert "The notes have stopped" in stopped
    assert Schedule.objects.exists()
    assert _page(stranger, "post", chosen.token) == stopped


def test_link_works_after_the_account_is_gone(
    stranger: Client, chosen: Schedule, alice: User
) -> None:
    alice.delete()

    assert stranger.post(f"/r/{chosen.token}/").status_code == 200


def test_link_can_do_nothing_else(chosen: Schedule, stranger: Client) -> None:
    for method in (stranger.put, stranger.patch, stranger.delete):
        assert method(f"/r/{chosen.token}/").status_code == 405
    assert Schedule.objects.exists()


def _page(client: Client, method: str, token: str) -> str:
    answer = getattr(client, method)(f"/r/{token}/")
    assert answer.status_code == 200
    return str(answer.text)
