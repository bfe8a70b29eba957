"""The names that letters speak to are on the shelf of those who turn them on, and nowhere else."""

import json
import re
from datetime import datetime, timedelta
from html import unescape

import pytest
import time_machine
from django.utils import timezone
from playwright.sync_api import expect
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.models import User
from journal.models import Letter
from journal.names_on_shelf import set_shows_names, shows_names
from tests.support.browser import NewPage
from tests.support.client import Client
from tests.support.database import Statements
from tests.support.letters import a_draft, a_letter

ON, OFF = {"shows_names": "on"}, dict[str, str]()


def names_on(page: str) -> list[str]:
    found = re.findall(r"<small>Dear <bdi translate=\"no\">(.*?)</bdi></small>", page)
    return [unescape(name) for name in found]


def test_names_are_hidden_until_they_are_turned_on(
    as_alice: Client, alice: User, now: datetime
) -> None:
    a_letter(alice, to="Mina & <Jo>", now=now)

    pages = [as_alice.get("/journal/").text]
    for sent in (ON, ON, OFF, OFF):
        response = as_alice.post("/journal/names/", sent)
        assertRedirects(response, "/journal/")
        pages.append(as_alice.get("/journal/").text)

    shown = ["Mina & <Jo>"]
    assert [names_on(page) for page in pages] == [[], shown, shown, [], []]
    assert ["Show the names" in page for page in pages] == [True, False, False, True, True]


def test_only_letters_that_may_be_opened_show_names(
    as_alice: Client, alice: User, now: datetime
) -> None:
    today = now.date()
    let_go = {"state": "let_go", "let_go_at": now, "let_go_from": "kept"}
    gone = {"state": "let_go", "let_go_at": now - timedelta(hours=1), "leaves_line": True}
    a_letter(alice, to="Draft", state="draft", now=now)
    a_letter(alice, to=" Kept ", now=now)
    a_letter(alice, to="Ready", state="sealed", opens_on=today, now=now)
    a_letter(alice, to="Sealed", state="sealed", opens_on=today + timedelta(days=1), now=now)
    a_letter(alice, to="Let go", now=now, **let_go)
    a_letter(alice, to="Gone", now=now, **gone)
    a_letter(alice, to="", now=now)
    a_letter(alice, to="\u3000", now=now)
    set_shows_names(alice, shows_names=True)

    with time_machine.travel(now, tick=False):
        page = as_alice.get("/journal/").text

    assert sorted(names_on(page)) == ["Draft", "Kept", "Ready"]


def test_letter_is_ready_in_its_writers_time_zone(
    as_alice: Client, alice: User, now: datetime
) -> None:
    """At the same moment: it is the next day in Tokyo already."""
    tomorrow = now.date() + timedelta(days=1)
    a_letter(alice, to="Mina", state="sealed", opens_on=tomorrow, now=now)
    set_shows_names(alice, shows_names=True)

    shown = {}
    for zone in ("Europe/Lisbon", "Asia/Tokyo"):
        User.objects.filter(pk=alice.pk).update(time_zone=zone)
        with time_machine.travel(now.replace(hour=20), tick=False):
            shown[zone] = names_on(as_alice.get("/journal/").text)

    assert shown == {"Europe/Lisbon": [], "Asia/Tokyo": ["Mina"]}


def test_no_letter_is_read_while_names_are_hidden(
    as_alice: Client, alice: User, now: datetime, statements: Statements
) -> None:
    a_letter(alice, to="Mina", now=now)

    def opened(queries: list[str]) -> list[str]:
        letters = [sql for sql in queries if "FROM journal_letter" in sql]
        assert letters
        return [sql for sql in letters if "sealed" in re.split(r"\W+", sql)]

    with statements() as hidden:
        as_alice.get("/journal/")
    set_shows_names(alice, shows_names=True)
    with statements() as shown:
        as_alice.get("/journal/")

    assert not opened(list(hidden))
    assert opened(list(shown))


def test_letter_that_does_not_open_leaves_the_others_their_names(
    as_alice: Client, alice: User, now: datetime
) -> None:
    a_letter(alice, to="Mina", now=now)
    broken = a_letter(alice, to="Broken", now=now)
    Letter.objects.filter(pk=broken.pk).update(sealed=b"\1damaged")
    set_shows_names(alice, shows_names=True)

    page = as_alice.get("/journal/")

    assertContains(page, f"/journal/{broken.pk}/")
    assert names_on(page.text) == ["Mina"]


def test_names_are_on_no_other_page(as_alice: Client, alice: User, now: datetime) -> None:
    a_letter(alice, "by the river", to="Mina", now=now)
    set_shows_names(alice, shows_names=True)

    for address in ("/today/", "/progress/", "/you/", "/you/privacy/", "/journal/cover/"):
        assertNotContains(as_alice.get(address), "Mina")
    shelf = as_alice.get("/journal/").text
    assert "Mina" not in re.search(r"<title>.*?</title>", shelf)[0]  # type: ignore[index]
    assert "Mina" in shelf
    assert "Mina" not in json.dumps(dict(as_alice.session.items()))


def test_each_person_decides_for_their_own_shelf(
    as_alice: Client, as_bob: Client, alice: User, bob: User, now: datetime
) -> None:
    a_letter(bob, to="Mina", now=now)

    as_alice.post("/journal/names/", ON)

    people = User.objects.in_bulk([alice.pk, bob.pk])
    assert (shows_names(people[alice.pk]), shows_names(people[bob.pk])) == (True, False)
    assert names_on(as_bob.get("/journal/").text) == []


def setting_of(person: User) -> bytes | None:
    setting = User.objects.values_list("shelf_settings", flat=True).get(pk=person.pk)
    return None if setting is None else bytes(setting)


def test_setting_that_does_not_open_hides_the_names_and_stays(
    as_alice: Client, alice: User, now: datetime
) -> None:
    a_letter(alice, to="Mina", now=now)
    setting = b"\1damaged"
    User.objects.filter(pk=alice.pk).update(shelf_settings=setting)

    page = as_alice.get("/journal/")
    refused = as_alice.post("/journal/names/", ON)

    assertNotContains(page, "Mina")
    assertContains(refused, "still stored", status_code=503)
    assert setting_of(alice) == setting


def test_same_part_of_the_shelf_is_shown_again(
    as_alice: Client, alice: User, now: datetime
) -> None:
    a_letter(alice, to="Mina", kind="then", now=now)
    part = "?show=kept&kind=then&page=1"
    page = as_alice.get(f"/journal/{part}").text
    [action] = re.findall(r'action="(/journal/names/[^"]*)"', page)

    response = as_alice.post(unescape(action), ON)

    assert unescape(action) == f"/journal/names/{part}"
    assertRedirects(response, f"/journal/{part}", fetch_redirect_response=False)


def test_empty_shelf_has_no_switch(as_alice: Client) -> None:
    assertNotContains(as_alice.get("/journal/"), "/journal/names/")


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_switch_works_by_keyboard_without_a_script(
    as_alice: Client, alice: User, new_page: NewPage
) -> None:
    a_draft(alice, now=timezone.now())
    a_letter(alice, to="Mina", now=timezone.now())
    page = new_page(as_alice, scripts=False)
    page.goto("/journal/")
    expect(page.locator(".letters")).not_to_contain_text("Mina")

    for button, names in (("Show the names", ["Dear Mina"]), ("Hide the names", [])):
        page.get_by_text("Choose what is shown").focus()
        page.keyboard.press("Enter")
        page.get_by_role("button", name=button).focus()
        with page.expect_event("load"):
            page.keyboard.press("Enter")
        expect(page.locator(".letters small:has(bdi)")).to_have_text(names)
