import gzip
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import pytest
import time_machine

from accounts.models import User
from accounts.time_zones import places, zone_choices, zone_names
from mail.models import Message
from reminders.models import Schedule
from tests.reminders.conftest import plan, send
from tests.support.client import Client
from tests.support.database import Statements
from tests.support.smtp import Sink

pytestmark = pytest.mark.django_db

PAGE = "/you/reminders/"


@pytest.fixture
def visitor() -> Client:
    return Client(enforce_csrf_checks=True)


# --- The page ------------------------------------------------------------------------------


def test_notes_are_off_until_they_are_turned_on(as_alice: Client, alice: User) -> None:
    page = as_alice.get(PAGE)

    assert page.status_code == 200
    assert "Right now we send you nothing." in page.text
    assert "Turn reminders off" not in page.text
    assert not Schedule.objects.exists()
    # No zone is preselected.
    assert '<option value="" selected>' in page.text


def test_form_turns_notes_on_for_its_owner_alone(as_alice: Client, alice: User, bob: User) -> None:
    with time_machine.travel(datetime.fromisoformat("2026-03-12T11:00Z"), tick=False):
        response = as_alice.post(PAGE, {"hour": "19", "zone": "Europe/Berlin"}, follow=True)

    schedule = Schedule.objects.get()
    alice.refresh_from_db()
    assert (schedule.person, schedule.hour, alice.time_zone) == (alice, 19, "Europe/Berlin")
    assert response.redirect_chain == [(PAGE, 302)]
    assert "Reminders are on, around 7 pm." in response.text
    assert "A reminder may come around 7 pm" in response.text
    assert "<option selected>Berlin</option>" in response.text


def test_zone_may_be_one_that_only_browsers_name(as_alice: Client, alice: User) -> None:
    as_alice.post(PAGE, {"hour": "9", "zone": "Asia/Calcutta"})

    alice.refresh_from_db()
    assert alice.time_zone == "Asia/Kolkata"
    assert "<option selected>Kolkata</option>" in as_alice.get(PAGE).text


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
def test_invalid_choice_shows_the_form_again_and_changes_nothing(
    as_alice: Client, data: dict[str, str]
) -> None:
    response = as_alice.post(PAGE, data)

    assert response.status_code == 200
    assert 'role="alert"' in response.text
    assert not Schedule.objects.exists()


def test_turning_off_keeps_the_link_and_the_hour(as_alice: Client, chosen: Schedule) -> None:
    with time_machine.travel(datetime.fromisoformat("2026-03-13T11:00Z"), tick=False):
        response = as_alice.post("/you/reminders/off/", follow=True)

    assert "Reminders are off. Nothing more will come." in response.text
    assert "Right now we send you nothing." in response.text
    assert "Turn reminders off" not in response.text
    token, hour, chosen_at = chosen.token, chosen.hour, chosen.chosen_at
    chosen.refresh_from_db()
    assert (chosen.token, chosen.hour, chosen.chosen_at) == (token, hour, chosen_at)
    assert (chosen.stop_reason, chosen.next_due_at, chosen.last_on) == ("turned off", None, None)
    assert as_alice.post("/you/reminders/off/").status_code == 302


def test_pause_leaves_other_people_alone_and_says_what_it_does(
    as_alice: Client, as_bob: Client, chosen: Schedule
) -> None:
    as_bob.post("/you/reminders/pause/")
    assert Schedule.objects.get() == chosen
    before = chosen.next_due_at

    page = as_alice.post("/you/reminders/pause/", follow=True)

    assert "No reminder comes within the next week." in page.text
    assert Schedule.objects.get().next_due_at != before


def test_turning_off_leaves_other_people_alone(as_bob: Client, chosen: Schedule) -> None:
    as_bob.post("/you/reminders/off/")

    assert Schedule.objects.get() == chosen


def test_page_shows_the_first_note_word_for_word_and_who_it_comes_from(
    as_alice: Client, chosen: Schedule
) -> None:
    page = as_alice.get(PAGE)

    assert "Subject: A reminder for you" in page.text
    assert "This is one of them, and it asks nothing of you today." in page.text
    assert "It comes from “Notes”" in page.text
    assert f"/r/{chosen.token}/" in page.text


def test_page_after_the_last_note_offers_to_start_again(as_alice: Client, chosen: Schedule) -> None:
    Schedule.objects.update(unanswered=5, next_due_at=None)

    page = as_alice.get(PAGE)
    assert "Reminders have stopped, as we said they would." in page.text
    assert "Start them again" in page.text

    as_alice.post(PAGE, {"hour": "9", "zone": "Europe/Berlin"})
    chosen.refresh_from_db()
    assert (chosen.unanswered, chosen.is_finished) == (0, False)


def test_page_takes_few_statements(as_alice: Client, statements: Statements) -> None:
    as_alice.get(PAGE)
    with statements() as off:
        as_alice.get(PAGE)
    as_alice.post(PAGE, {"hour": "9", "zone": "Europe/Berlin"})
    as_alice.get(PAGE)
    with statements() as on:
        as_alice.get(PAGE)

    assert len(off) == len(on) <= 6, on


def test_turning_on_uses_neither_mail_server_nor_broker(
    as_alice: Client, socket_disabled: None
) -> None:
    """Python sockets are disabled; only libpq may connect."""
    response = as_alice.post(PAGE, {"hour": "9", "zone": "Europe/Berlin"})

    assert response.status_code == 302
    assert Schedule.objects.exists()


def test_visitors_are_asked_to_sign_in(visitor: Client) -> None:
    assert visitor.get(PAGE).status_code == 302


def test_every_place_is_listed_once_and_means_its_zone() -> None:
    listed = [place for _region, group in zone_choices() for place, _label in group]

    assert listed == list(places())
    assert set(places().values()) <= zone_names()
    assert len(listed) > 400
    assert places()["Argentina, Buenos Aires"] == "America/Argentina/Buenos_Aires"
    assert [region for region, _group in zone_choices()][:2] == ["Africa", "America"]


def test_place_of_the_list_is_stored_as_its_zone(as_alice: Client, alice: User) -> None:
    as_alice.post(PAGE, {"hour": "9", "zone": "Argentina, Buenos Aires"})

    alice.refresh_from_db()
    assert alice.time_zone == "America/Argentina/Buenos_Aires"
    assert "<option selected>Argentina, Buenos Aires</option>" in as_alice.get(PAGE).text


def test_page_is_small(as_alice: Client) -> None:
    page = as_alice.get(PAGE)

    assert len(gzip.compress(page.content, 6)) < 6_000


# --- The stop link of a mail ---------------------------------------------------------------


def test_get_of_the_link_changes_nothing(
    visitor: Client, planned: Message, chosen: Schedule
) -> None:
    before = (list(Schedule.objects.values()), list(Message.objects.values()))
    url = f"/r/{chosen.token}/"
    chosen.refresh_from_db()

    for _ in range(20):
        for request in (visitor.get, visitor.head, visitor.options):
            response = request(url)
            assert response.status_code == 200
            assert not response.cookies

    assert (list(Schedule.objects.values()), list(Message.objects.values())) == before


def test_page_of_the_link_is_one_button(visitor: Client, chosen: Schedule) -> None:
    page = visitor.get(f"/r/{chosen.token}/")

    assert "Stop these reminders?" in page.text
    assert page.text.count("<form") == page.text.count("<button") == 1
    assert "csrfmiddlewaretoken" not in page.text
    assert "alice" not in page.text


def test_post_without_cookies_stops_the_notes_and_may_be_repeated(
    visitor: Client, planned: Message, chosen: Schedule
) -> None:
    for _ in range(2):
        response = visitor.post(
            f"/r/{chosen.token}/",
            "List-Unsubscribe=One-Click",
            content_type="application/x-www-form-urlencoded",
        )
        assert response.status_code == 200
        assert "Reminders have stopped" in response.text
        assert not response.cookies

    assert not Schedule.objects.on().exists()
    planned.refresh_from_db()
    assert (planned.state, planned.reason) == ("skipped", "stopped")


@pytest.mark.parametrize("cycles", [1, 2, 5])
def test_link_of_the_oldest_mail_stops_what_is_sent_now(
    visitor: Client, as_alice: Client, planned: Message, sink: Sink, evening: datetime, cycles: int
) -> None:
    """After reminders were off and on again, by page and by link."""
    send(evening)
    url = urlsplit(sink.mails[0]["List-Unsubscribe"].strip("<>")).path
    for cycle in range(cycles):
        if cycle % 2:
            visitor.post(url)
        else:
            as_alice.post("/you/reminders/off/")
        as_alice.post(PAGE, {"hour": "9", "zone": "Europe/Berlin"})
    due = Schedule.objects.filter(next_due_at__isnull=False)
    assert due.exists()

    page = visitor.post(url, {"List-Unsubscribe": "One-Click"})

    assert not due.exists()
    assert "Reminders have stopped" in page.text
    late = evening + timedelta(days=60)
    assert (plan(late), send(late)) == (0, 0)


def test_link_stops_one_person_alone(visitor: Client, chosen: Schedule, as_bob: Client) -> None:
    as_bob.post(PAGE, {"hour": "9", "zone": "Europe/Berlin"})

    visitor.post(f"/r/{chosen.token}/")

    assert [schedule.person_id == chosen.person_id for schedule in Schedule.objects.on()] == [False]


def test_page_of_the_link_says_if_reminders_are_off_already(
    visitor: Client, as_alice: Client, chosen: Schedule
) -> None:
    as_alice.post("/you/reminders/off/")

    page = visitor.get(f"/r/{chosen.token}/")

    assert "Reminders have stopped" in page.text
    assert "<form" not in page.text


@pytest.mark.parametrize(
    "token", ["x" * 22, "x" * 21, "x" * 500, "%00" * 22, "ü" * 22, "' OR 1=1 --", "%F0%9F%92%94"]
)
def test_link_that_means_nobody_promises_nothing(
    visitor: Client, chosen: Schedule, token: str
) -> None:
    for method in ("get", "post"):
        page = _page(visitor, method, token)
        assert "It belongs to nobody’s reminders here" in page
        assert "stopped" not in page
        assert "none will come" not in page
        assert "<form" not in page
    assert Schedule.objects.on().exists()


def test_link_answers_after_the_account_is_erased(
    visitor: Client, chosen: Schedule, alice: User
) -> None:
    alice.delete()

    assert "It belongs to nobody’s reminders here" in _page(visitor, "post", chosen.token)


def test_link_can_do_nothing_else(chosen: Schedule, visitor: Client) -> None:
    for method in (visitor.put, visitor.patch, visitor.delete):
        assert method(f"/r/{chosen.token}/").status_code == 405
    assert Schedule.objects.exists()


def _page(client: Client, method: str, token: str) -> str:
    response = getattr(client, method)(f"/r/{token}/")
    assert response.status_code == 200
    return str(response.text)
