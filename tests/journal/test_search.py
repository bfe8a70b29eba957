"""Searching opens one's own letters, one by one, and stops where it says."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accounts.models import User
from journal import search
from journal.models import Letter
from journal.search import Found, look_for
from tests.conftest import Statements
from tests.support.letters import a_draft, a_letter

pytestmark = pytest.mark.django_db

short = st.text(max_size=5)


def ids(found: Found) -> list[UUID]:
    return [letter.pk for letter in found.rows]


def test_words_are_found_in_drafts_and_kept_letters_newest_first(
    alice: User, now: datetime
) -> None:
    older = a_letter(alice, "by the river", now=now)
    newer = a_draft(alice, "The RIVER again", now=now + timedelta(hours=1))
    dear = a_letter(alice, "x", to="you by the river", now=now - timedelta(hours=1))
    a_letter(alice, "the sea", now=now)

    found = look_for("river", person=alice)

    assert ids(found) == [newer.pk, older.pk, dear.pk]
    assert (found.looked_through, found.stopped_at, found.unreadable) == (4, None, 0)


@pytest.mark.parametrize("state", ["sealed", "let_go"])
def test_what_is_closed_stays_closed(alice: User, now: datetime, state: str) -> None:
    a_letter(alice, "river", now=now, state=state, opens_on=now.date(), let_go_at=now)

    assert look_for("river", person=alice).rows == []


def test_nobody_finds_anothers_words(alice: User, bob: User, now: datetime) -> None:
    a_letter(alice, "river", now=now)

    assert look_for("river", person=bob).rows == []


def test_letter_that_does_not_open_is_counted_and_holds_nothing_up(
    alice: User, bob: User, now: datetime
) -> None:
    mine = a_letter(alice, "river", now=now)
    broken = a_letter(alice, "river", now=now)
    Letter.objects.filter(pk=broken.pk).update(sealed=a_letter(bob, now=now).sealed)

    found = look_for("river", person=alice)

    assert (ids(found), found.unreadable) == ([mine.pk], 1)


def test_search_stops_and_goes_on_from_there(
    alice: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where letters were changed in the same moment."""
    monkeypatch.setattr(search, "MOST_LETTERS", 3)
    letters = {a_letter(alice, "river", now=now).pk for _ in range(7)}

    seen: list[UUID] = []
    found = look_for("river", person=alice)
    turns = 1
    while found.stopped_at:
        seen += ids(found)
        found = look_for("river", person=alice, after=found.stopped_at)
        turns += 1
    seen += ids(found)

    assert (set(seen), len(seen), turns) == (letters, 7, 3)


def test_search_stops_after_so_many_words(
    alice: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MOST_CHARACTERS", 10)
    for _ in range(3):
        a_letter(alice, "eleven sign", now=now)

    found = look_for("sign", person=alice)

    assert (len(found.rows), found.looked_through) == (1, 1)
    assert found.stopped_at is not None


def test_search_stops_where_a_page_is_full(alice: User, now: datetime) -> None:
    letters = {a_letter(alice, "river", now=now).pk for _ in range(search.MOST_FOUND + 1)}

    first = look_for("river", person=alice)
    rest = look_for("river", person=alice, after=first.stopped_at)

    assert (len(first.rows), len(rest.rows), rest.stopped_at) == (search.MOST_FOUND, 1, None)
    assert {*ids(first), *ids(rest)} == letters


@pytest.mark.parametrize("many", [1, 120])
def test_statements_of_a_search_do_not_grow(
    alice: User, now: datetime, statements: Statements, many: int
) -> None:
    for _ in range(many):
        a_letter(alice, now=now)
    look_for("x", person=alice)

    with statements() as found:
        look_for("words", person=User.objects.get(pk=alice.pk))

    assert len(found) == 3


@hypothesis_settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    before=st.text(max_size=5), wanted=st.text(min_size=1, max_size=5), after=st.text(max_size=5)
)
def test_any_words_that_stand_in_a_letter_are_found(
    alice: User, now: datetime, before: str, wanted: str, after: str
) -> None:
    """But where a sign is made of two, and the line is between them."""
    text = f"{before}\n{wanted}\n{after}"
    letter = a_letter(alice, text, now=now)

    assert letter.pk in ids(look_for(wanted, person=alice))
    letter.delete()
