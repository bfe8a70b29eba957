"""The safety questions: every combination of answers, and that none of them stays anywhere."""

import logging
import re
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.db import OperationalError, connection
from pytest_django.asserts import assertContains, assertNotContains

from accounts.models import User
from safety.helpline_types import Kind
from safety.questions import QUESTIONS, Said, reply_to
from tests.support.client import Client
from tests.support.visits import from_page
from vault.sessions import Session, SessionStore, key_in

NIGHT = datetime(2026, 3, 12, 23, 5, tzinfo=UTC)
NAMES = [question.name for question in QUESTIONS]
EVERY_ANSWER = [*Said.values, ""]
COMBINATIONS = [
    {name: said for name, said in zip(NAMES, answers, strict=True) if said}
    for answers in product(EVERY_ANSWER, repeat=len(NAMES))
]
LABELS_OF_HELP = {kind: f"<strong>{kind.label}</strong>" for kind in Kind}


def contents(client: Client) -> dict[str, Any]:
    """What the session of this client holds now, read from its row."""
    cookie = client.cookies.get(settings.SESSION_COOKIE_NAME)
    return SessionStore(key_in(cookie.value if cookie else None)).load()


def test_every_combination_leads_to_the_help_that_it_calls_for() -> None:
    assert len(COMBINATIONS) == 4**3
    for answers in COMBINATIONS:
        reply = reply_to(answers)

        yes = {name for name, said in answers.items() if said == "yes"}
        assert reply.has_crisis == ("harm" in yes)
        assert reply.has_abuse == bool(yes & {"contact", "hurt"})
        assert list(reply.kinds) == sorted(reply.kinds, key=["crisis", "abuse"].index)
        assert reply.is_unsure == ("unsure" in answers.values())


@pytest.mark.django_db
def test_every_combination_shows_help_and_no_verdict(client: Client) -> None:
    for answers in COMBINATIONS:
        page = client.post("/before/", answers)

        kinds = reply_to(answers).kinds
        assert page.status_code == 200
        assert page.headers["Cache-Control"] == "no-store, private"
        assert [kind for kind, words in LABELS_OF_HELP.items() if words in page.text] == list(kinds)
        assertContains(page, 'href="/help/gb/"')
        assertContains(page, "You can stop here")
        # A page never says which answer it follows, and “no” never reassures.
        assert not re.search(r"checked|value=\"(yes|no|unsure)\"|you are safe\b(?!, or)", page.text)
        if not kinds:
            assertContains(page, "cannot tell you that you are safe")
        assertNotContains(page, "abuse victim")


@pytest.mark.parametrize("posted", [{"harm": "maybe"}, {"harm": ["no", "yes"]}, {"other": "yes"}])
def test_odd_posts_are_answered(visitor: Client, posted: Any, db: None) -> None:
    assert visitor.post("/before/", posted).status_code == 200


def test_page_is_for_anyone_and_needs_no_database(visitor: Client) -> None:
    page = visitor.get("/before/?next=/steps/5/going-round/")

    assertContains(page, "Three questions first")
    assertContains(page, 'value="/steps/5/going-round/"')
    assertContains(page, "nobody has tested ours")
    assert page.headers["Cache-Control"] == "no-store, private"
    for question in QUESTIONS:
        assert page.text.count(f'name="{question.name}"') == 3


@pytest.mark.parametrize("answers", [{"harm": "yes"}, {"contact": "yes", "hurt": "no"}, {}])
def test_answers_lead_to_help_without_a_database(
    visitor: Client, db: None, answers: dict[str, str]
) -> None:
    def away(*args: Any) -> Any:
        raise OperationalError

    with connection.execute_wrapper(away):
        page = visitor.post("/before/", answers)

    assertContains(page, 'href="/help/gb/"')
    assert settings.SESSION_COOKIE_NAME not in page.cookies


@pytest.mark.parametrize("address", ["//evil.example", "https://evil.example/", "javascript:x"])
def test_next_page_is_one_of_ours(visitor: Client, address: str) -> None:
    assertNotContains(visitor.get("/before/", {"next": address}), address)
    page = visitor.post("/before/", {"next": address})
    assertNotContains(page, address)
    assertContains(visitor.post("/before/", {"next": "/steps/5/"}), 'href="/steps/5/"')


@pytest.mark.parametrize("who", ["visitor", "alice"])
def test_session_is_the_same_after_any_yes_and_after_the_button(who: str, alice: User) -> None:
    """What it holds tells neither which answer there was, nor whether there was one."""
    found = []
    with time_machine.travel(NIGHT, tick=False):
        for answers in [*COMBINATIONS, None]:
            client = Client()
            if who == "alice":
                client.force_login(alice)
                client.get("/about/")
            before = contents(client)
            if answers is None:
                client.post("/before/leave-out/")
            else:
                client.post("/before/", from_page(client, "/before/", answers))
            added = {k: v for k, v in contents(client).items() if before.get(k) != v}
            is_yes = answers is None or "yes" in answers.values()
            assert added == ({"hidden_contact": _in_twelve_hours()} if is_yes else {})
            found += [added] if is_yes else []

    assert len(found) == 64 - 27 + 1


def _in_twelve_hours() -> float:
    return (NIGHT + timedelta(hours=12)).timestamp()


def test_no_takes_nothing_back_and_the_button_does(client: Client, db: None) -> None:
    client.post("/before/", {"hurt": "yes"})
    client.post("/before/", dict.fromkeys(NAMES, "no"))
    assertContains(client.get("/before/"), "Show them again")

    client.post("/before/bring-back/")

    assertContains(client.get("/before/"), "Leave them out on this visit")
    assert contents(client) == {}


def test_it_ends_after_twelve_hours(client: Client, db: None) -> None:
    with time_machine.travel(NIGHT, tick=False) as clock:
        client.post("/before/leave-out/")
        clock.move_to(NIGHT + timedelta(hours=11, minutes=59))
        assertContains(client.get("/before/"), "Show them again")
        clock.move_to(NIGHT + timedelta(hours=12))
        assertNotContains(client.get("/before/"), "Show them again")


def test_it_is_gone_when_pages_lock_by_themselves(alice: User) -> None:
    with time_machine.travel(NIGHT, tick=False) as clock:
        client = Client()
        client.force_login(alice)
        client.post("/before/leave-out/")
        assert "hidden_contact" in contents(client)
        clock.shift(timedelta(minutes=16))

        client.get("/today/")

        assert "locked_at" in contents(client)
        assert "hidden_contact" not in contents(client)


@pytest.mark.parametrize("end", ["/leave/", "/accounts/logout/"])
def test_it_is_gone_with_the_visit(end: str, alice: User) -> None:
    """Leaving locks, and so does being idle (`safety.leaving.lock`)."""
    for is_signed_in in (True, False):
        client = Client()
        if is_signed_in:
            client.force_login(alice)
        client.post("/before/", from_page(client, "/before/", {"harm": "yes"}))
        assert "hidden_contact" in contents(client)

        client.get(end) if end == "/leave/" else client.post(end)

        if is_signed_in or end == "/leave/":
            assert "hidden_contact" not in contents(client)
            assert not any("hidden_contact" in row.get_decoded() for row in Session.objects.all())


@pytest.mark.django_db
def test_answers_sent_again_after_leaving_show_nothing(alice: User) -> None:
    """Back sends a form again (ADR 25)."""
    for is_signed_in in (True, False):
        strict = Client(enforce_csrf_checks=True)
        if is_signed_in:
            strict.force_login(alice)
        sent = from_page(strict, "/before/", {"harm": "yes"})
        assertContains(strict.post("/before/", sent), "People first")

        strict.get("/leave/")

        assert strict.post("/before/", sent).status_code == 403
        assertNotContains(strict.post("/before/", sent), "People first", status_code=403)


@pytest.mark.parametrize("end", ["/leave/", "/accounts/logout/"])
def test_answers_from_before_the_end_of_a_visit_show_nothing(as_alice: Client, end: str) -> None:
    sent = from_page(as_alice, "/before/", {"harm": "yes"})
    as_alice.get(end) if end == "/leave/" else as_alice.post(end)

    page = as_alice.post("/before/", sent)

    assertContains(page, "Three questions first")
    assertNotContains(page, "People first")
    assert "hidden_contact" not in contents(as_alice)


def test_answers_after_the_session_has_ended_show_nothing(as_alice: Client) -> None:
    sent = from_page(as_alice, "/before/", {"harm": "yes"})
    Session.objects.all().delete()

    assertNotContains(as_alice.post("/before/", sent), "People first")


def test_somebody_whose_pages_are_locked_is_answered(as_alice: Client) -> None:
    """Help waits for no password: only a form from before the lock is not answered."""
    as_alice.get("/leave/")

    page = as_alice.post("/before/", from_page(as_alice, "/before/", {"harm": "yes"}))

    assertContains(page, "People first")


def test_page_claims_nothing_that_could_not_be_stored(visitor: Client, db: None) -> None:
    def away(*args: Any) -> Any:
        raise OperationalError

    with connection.execute_wrapper(away):
        page = visitor.post("/before/", {"hurt": "yes"})

    assertContains(page, "People first")
    assertNotContains(page, "are left out on this visit")


def test_no_answer_is_in_log_address_cookie_or_database(
    as_alice: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """The only rows that change are those of the session."""
    caplog.set_level(logging.DEBUG)
    as_alice.get("/about/")
    lines, dumps = [], []
    visit = {"visit": as_alice.get("/before/").context["visit"]}
    with time_machine.travel(NIGHT, tick=False):
        for answers in ({"harm": "yes"}, {"contact": "yes", "hurt": "yes"}, {"hurt": "no"}):
            caplog.clear()
            page = as_alice.post("/before/", answers | visit)
            lines.append([_logged(record) for record in caplog.records])
            dumps.append(_rows_outside_sessions())
            assert page.request["QUERY_STRING"] == ""
            cookies = " ".join(cookie.OutputString() for cookie in page.cookies.values())
            assert not re.search("harm|hurt|contact|yes", cookies)

    assert lines[0] == lines[1] == lines[2]
    assert "harm" not in str(lines)
    assert dumps[0] == dumps[1] == dumps[2]


def _logged(record: logging.LogRecord) -> tuple[object, ...]:
    return record.getMessage(), getattr(record, "route", ""), getattr(record, "status", "")


def _rows_outside_sessions() -> dict[str, list[Any]]:
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor)) - {"vault_session"}
        rows = {}
        for table in sorted(tables):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608
            rows[table] = sorted(map(str, cursor.fetchall()))
    return rows


def test_result_offers_a_pause_of_reminders_to_those_who_are_signed_in(
    as_alice: Client, db: None
) -> None:
    sent = from_page(as_alice, "/before/", {"harm": "yes"})
    assertContains(as_alice.post("/before/", sent), "Pause reminders for a week")
    assertNotContains(Client().post("/before/", {"harm": "yes"}), "Pause reminders for a week")
