"""A search is sent once, saved in the session, and shown at an address without words."""

import json
import re
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
import time_machine
from django.http import HttpResponse
from playwright.sync_api import expect
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.models import User
from journal import search
from journal.models import Letter
from journal.search_session import MAX_SEARCHES, SEARCHES_LAST
from tests.support.browser import NewPage, follow
from tests.support.client import PASSWORD, Client
from tests.support.database import Statements
from tests.support.letters import a_letter
from vault.models import Key

WORDS = "I kept checking if you had seen it."
GONE = "they are gone now"


def listed(page: HttpResponse) -> list[UUID]:
    """Return the letters that a page lists, in order."""
    return [UUID(id) for id in re.findall(r'<li><a href="/journal/([0-9a-f-]{36})/"', page.text)]


def send(client: Client, **data: str) -> str:
    """Search, and return the address of the results."""
    response = client.post("/journal/search/", data)
    assert response.status_code == 302
    return response.headers["Location"]


def test_results_show_the_line_that_was_found(as_alice: Client, alice: User, now: datetime) -> None:
    far = "And then nothing, for a long time. " * 5
    letter = a_letter(alice, f"{far}I <b>knew</b> it & you didn’t. {far}", to="Mina", now=now)

    page = as_alice.get(send(as_alice, text="DIDN'T"))

    assert listed(page) == [letter.pk]
    [line] = re.findall(r"<small class=\"written\">(<bdi.*?</bdi>)</small>", page.text)
    assert line == (
        '<bdi translate="no">…then nothing, for a long time. I &lt;b&gt;knew&lt;/b&gt; it &amp; '
        "you <mark>didn’t</mark>. And then nothing, for a long time. And then nothing,…</bdi>"
    )
    assertNotContains(page, "Mina")


def test_line_is_shown_in_letters_that_write_it_differently_too(
    as_alice: Client, alice: User, now: datetime
) -> None:
    a_letter(alice, "at the Café\u00a0Nord", now=now)

    page = as_alice.get(send(as_alice, text="cafe nord"))

    assertContains(page, "at the <mark>Café Nord</mark></bdi>")


def test_address_of_the_results_is_random(as_alice: Client) -> None:
    first, second = (send(as_alice, text="river") for _ in range(2))

    assert re.fullmatch(r"/journal/search/[0-9a-f-]{36}/", first)
    assert first != second


def test_results_can_be_opened_again(as_alice: Client, alice: User, now: datetime) -> None:
    """As by going back from a letter."""
    letter = a_letter(alice, WORDS, now=now)
    address = send(as_alice, text="checking")
    as_alice.get(address)
    as_alice.get(f"/journal/{letter.pk}/")

    page = as_alice.get(address)

    assert listed(page) == [letter.pk]
    assertContains(page, 'value="checking"')


def test_words_written_differently_are_listed_apart(
    as_alice: Client, alice: User, now: datetime
) -> None:
    similar = a_letter(alice, "Café Nord", now=now)
    apart = "Written a little differently"

    assertNotContains(as_alice.get(send(as_alice, text="cafe")), apart)
    same = a_letter(alice, "a cafe", now=now - timedelta(days=1))
    page = as_alice.get(send(as_alice, text="cafe"))

    assert listed(page) == [same.pk, similar.pk]
    assertContains(page, apart)


def test_search_says_when_it_stopped_and_continues(
    as_alice: Client, alice: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MAX_LETTERS", 2)
    letters = {a_letter(alice, WORDS, now=now).pk for _ in range(5)}

    seen: list[UUID] = []
    addresses = [send(as_alice, text="checking")]
    while True:
        page = as_alice.get(addresses[-1])
        seen += listed(page)
        stopped_at = dict(re.findall(r'name="(at|id)" value="([^"]+)"', page.text))
        if not stopped_at:
            break
        addresses.append(send(as_alice, text="checking", **stopped_at))

    assert (set(seen), len(seen)) == (letters, 5)
    assert [listed(as_alice.get(address)) for address in addresses] == [
        seen[:2],
        seen[2:4],
        seen[4:],
    ]


@pytest.mark.parametrize("text", ["", "   ", "x" * 101, "a\x00b"])
def test_search_for_nothing_has_an_error(as_alice: Client, text: str) -> None:
    assertContains(as_alice.post("/journal/search/", {"text": text}), "Error:")


@pytest.mark.parametrize("at", ["yesterday", "2026-13-45", "0001-01-01T00:00:00-14:00"])
def test_search_ignores_a_start_that_cannot_be(as_alice: Client, at: str) -> None:
    address = send(as_alice, text="x", at=at, id="nobody")

    assertContains(as_alice.get(address), "Nothing with these words.")


def test_address_of_the_form_leads_to_the_shelf(as_alice: Client) -> None:
    assertRedirects(as_alice.get("/journal/search/"), "/journal/#id_text")


# --- What is saved, and for how long -----------------------------------------------------------


def is_gone(client: Client, address: str) -> bool:
    page = client.get(address)
    assertContains(page, 'name="text"')
    assertNotContains(page, 'value="river"')
    assertNotContains(page, "What we found")
    return GONE in page.text


def test_old_search_is_gone_and_leaves_the_session(as_alice: Client, now: datetime) -> None:
    with time_machine.travel(now, tick=False) as clock:
        address = send(as_alice, text="river")
        # Other pages are opened meanwhile, or the session would be locked.
        for _ in range(5):
            clock.shift(SEARCHES_LAST / 6)
            as_alice.get("/today/")
        assertContains(as_alice.get(address), 'value="river"')
        clock.shift(SEARCHES_LAST / 6)

        assert is_gone(as_alice, address)

        assert "searches" not in as_alice.session


def test_unknown_search_shows_an_empty_form(as_alice: Client) -> None:
    assert is_gone(as_alice, f"/journal/search/{uuid4()}/")


def test_search_of_another_person_is_unknown(as_alice: Client, as_bob: Client) -> None:
    assert is_gone(as_bob, send(as_alice, text="river"))


def test_only_the_latest_searches_are_saved(as_alice: Client) -> None:
    addresses = [send(as_alice, text="river") for _ in range(MAX_SEARCHES + 1)]

    assert is_gone(as_alice, addresses[0])
    for address in addresses[1:]:
        assertContains(as_alice.get(address), 'value="river"')
    assert len(as_alice.session["searches"]) == MAX_SEARCHES


def test_lock_ends_every_search(as_alice: Client) -> None:
    """Somebody else may unlock the device, and its history leads to the results."""
    address = send(as_alice, text="river")
    as_alice.get("/leave/")
    assert "/reauthenticate/" in as_alice.get(address).headers["Location"]

    as_alice.post("/accounts/reauthenticate/", {"password": PASSWORD})

    assert is_gone(as_alice, address)


def test_session_holds_no_word_that_its_own_key_opens(as_alice: Client) -> None:
    send(as_alice, text="river")

    contents = dict(as_alice.session.items())

    assert len(contents["searches"]) == 1
    assert "river" not in json.dumps(contents)


def test_search_moved_to_another_name_is_gone(as_alice: Client) -> None:
    one, other = (send(as_alice, text="river").split("/")[-2] for _ in range(2))
    session = as_alice.session
    saved = session["searches"]
    session["searches"] = {one: saved[other], other: saved[one]}
    session.save()

    assert is_gone(as_alice, f"/journal/search/{one}/")


def test_search_is_refused_while_the_key_is_away(as_alice: Client, alice: User) -> None:
    address = send(as_alice, text="river")
    Key.objects.filter(pk=alice.pk).update(wrapped=b"")

    assert as_alice.post("/journal/search/", {"text": "river"}).status_code == 503
    assertContains(as_alice.get(address), "We cannot open this")


@pytest.mark.parametrize("many", [1, 120])
def test_statements_of_a_search_do_not_grow(
    as_alice: Client, alice: User, now: datetime, statements: Statements, many: int
) -> None:
    for _ in range(many):
        a_letter(alice, now=now)
    as_alice.get("/today/")

    with statements() as of_sending:
        address = send(as_alice, text="river")
    with statements() as of_results:
        as_alice.get(address)

    assert (len(of_sending), len(of_results)) == (2, 2)


# --- In a browser ------------------------------------------------------------------------------


@pytest.mark.browser
@pytest.mark.parametrize("scripts", [True, False])
def test_back_from_a_found_letter_shows_the_results(
    as_alice: Client, alice: User, new_page: NewPage, now: datetime, scripts: bool
) -> None:
    """Without sending the words again, which browsers refuse or ask about."""
    letter: Letter = a_letter(alice, WORDS, now=now)
    page = new_page(as_alice, scripts=scripts)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(f"{request.method} {request.url}"))
    page.goto("/journal/")
    page.locator("#id_text").fill("checking")
    follow(page.locator("form", has=page.locator("#id_text")).get_by_role("button"))
    results = page.url
    follow(page.locator(f'a[href="/journal/{letter.pk}/"]'))
    expect(page.locator("main")).to_contain_text(WORDS)

    page.go_back()

    expect(page).to_have_url(results)
    expect(page.locator("#id_text")).to_have_value("checking")
    expect(page.locator(f'a[href="/journal/{letter.pk}/"]')).to_be_visible()
    assert len([request for request in sent if request.startswith("POST")]) == 1
    assert not [request for request in sent if "checking" in request]
