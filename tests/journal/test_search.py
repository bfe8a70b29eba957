"""The search opens a person's own letters one by one, and stops at its bounds."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accounts.models import User
from journal import search
from journal.models import Letter
from journal.search import SearchResult, search_letters
from tests.support.database import Statements
from tests.support.letters import a_draft, a_letter

pytestmark = pytest.mark.django_db

short = st.text(max_size=5)


def ids(found: SearchResult) -> list[UUID]:
    return [letter.pk for letter in found.rows]


def test_words_are_found_in_drafts_and_kept_letters_newest_first(
    alice: User, now: datetime
) -> None:
    older = a_letter(alice, "by the river", now=now)
    newer = a_draft(alice, "The RIVER again", now=now + timedelta(hours=1))
    dear = a_letter(alice, "x", to="you by the river", now=now - timedelta(hours=1))
    a_letter(alice, "the sea", now=now)

    found = search_letters("river", person=alice)

    assert ids(found) == [newer.pk, older.pk, dear.pk]
    assert (found.looked_through, found.stopped_at, found.unreadable) == (4, None, 0)


@pytest.mark.parametrize("state", ["sealed", "let_go"])
def test_sealed_and_let_go_letters_are_not_searched(alice: User, now: datetime, state: str) -> None:
    a_letter(alice, "river", now=now, state=state, opens_on=now.date(), let_go_at=now)

    assert search_letters("river", person=alice).rows == []


def test_letters_of_another_person_are_not_found(alice: User, bob: User, now: datetime) -> None:
    a_letter(alice, "river", now=now)

    assert search_letters("river", person=bob).rows == []


def test_unreadable_letter_is_counted_and_skipped(alice: User, bob: User, now: datetime) -> None:
    mine = a_letter(alice, "river", now=now)
    broken = a_letter(alice, "river", now=now)
    Letter.objects.filter(pk=broken.pk).update(sealed=a_letter(bob, now=now).sealed)

    found = search_letters("river", person=alice)

    assert (ids(found), found.unreadable) == ([mine.pk], 1)


def test_search_stops_and_goes_on_from_there(
    alice: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Although all letters were changed at the same moment."""
    monkeypatch.setattr(search, "MAX_LETTERS", 3)
    letters = {a_letter(alice, "river", now=now).pk for _ in range(7)}

    seen: list[UUID] = []
    found = search_letters("river", person=alice)
    searches = 1
    while found.stopped_at:
        seen += ids(found)
        found = search_letters("river", person=alice, after=found.stopped_at)
        searches += 1
    seen += ids(found)

    assert (set(seen), len(seen), searches) == (letters, 7, 3)


def test_search_stops_after_so_many_characters(
    alice: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MAX_CHARACTERS", 10)
    for _ in range(3):
        a_letter(alice, "eleven char", now=now)

    found = search_letters("char", person=alice)

    assert (len(found.rows), found.looked_through) == (1, 1)
    assert found.stopped_at is not None


def test_search_stops_when_a_page_is_full(alice: User, now: datetime) -> None:
    letters = {a_letter(alice, "river", now=now).pk for _ in range(search.MAX_RESULTS + 1)}

    first = search_letters("river", person=alice)
    rest = search_letters("river", person=alice, after=first.stopped_at)

    assert (len(first.rows), len(rest.rows), rest.stopped_at) == (search.MAX_RESULTS, 1, None)
    assert {*ids(first), *ids(rest)} == letters


@pytest.mark.parametrize("many", [1, 120])
def test_statements_of_a_search_do_not_grow(
    alice: User, now: datetime, statements: Statements, many: int
) -> None:
    for _ in range(many):
        a_letter(alice, now=now)
    search_letters("x", person=alice)

    with statements() as found:
        search_letters("words", person=User.objects.get(pk=alice.pk))

    assert len(found) == 3


@hypothesis_settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    before=st.text(max_size=5), wanted=st.text(min_size=1, max_size=5), after=st.text(max_size=5)
)
def test_any_words_that_stand_in_a_letter_are_found(
    alice: User, now: datetime, before: str, wanted: str, after: str
) -> None:
    """Line ends around them: a combining character would change its neighbour."""
    text = f"{before}\n{wanted}\n{after}"
    letter = a_letter(alice, text, now=now)

    assert letter.pk in ids(search_letters(wanted, person=alice))
    letter.delete()
