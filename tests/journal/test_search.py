"""The search opens a person's own letters one by one, and stops at its bounds."""

import sys
import threading
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import pytest
from django.db import connections
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accounts.models import User
from journal import search
from journal.models import Letter
from journal.search import SearchResult, search_letters
from journal.search_text import SearchText, cut_mark_runs
from tests.support.database import Statements
from tests.support.letters import a_draft, a_letter
from tests.support.waiting import PATIENCE

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


def test_search_stops_after_so_many_bytes(
    alice: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MAX_BYTES", 10)
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


# --- The same words, written differently -----------------------------------------------------

WRITTEN_DIFFERENTLY = {
    "apostrophe of a phone": ("I didn’t say it", "didn't"),
    "apostrophe of a keyboard": ("I didn't say it", "didn’t"),
    "accent as an apostrophe": ("I didn´t say it", "didn't"),
    "quotation marks": ("you said “never again”", '"never again"'),
    "German quotation marks": ("du sagtest „nie wieder“", '"nie wieder"'),
    "single for double ones": ("you said ‘never’", '"never"'),
    "long dash": ("yes — no", "yes - no"),
    "two hyphens": ("wait--no", "wait—no"),
    "unbreakable hyphen": ("e\u2011mail", "e-mail"),
    "no-break space": ("at the Café\u00a0Nord", "Café Nord"),
    "narrow and wide spaces": ("10\u202fpm,\u2003again", "10 pm, again"),
    "line end": ("it was too\r\nlate for us", "too late"),
    "ellipsis": ("and then… nothing", "then... nothing"),
    "letters without accents": ("Café Nord", "cafe nord"),
    "accents without letters": ("Cafe Nord", "café nord"),
    "decomposed": ("nai\u0308ve", "naïve"),
    "Vietnamese": ("Tiếng Việt", "tieng viet"),
    "Polish": ("Łódź", "lodz"),
    "Danish": ("Sønderborg, ældre", "sonderborg, aeldre"),
    "French": ("mon cœur", "mon coeur"),
    "German": ("in der Straße", "STRASSE"),
    "Turkish": ("İstanbul ışık", "istanbul isik"),
    "Greek": ("Άγγελος", "αγγελοσ"),
    "Russian": ("мой", "мои"),
    "Hebrew points": ("שָׁלוֹם", "שלום"),
    "Arabic vowels": ("مَرْحَبًا", "مرحبا"),
    "full width": ("ＡＢＣ１２３", "abc123"),
    "ligature": ("ﬁnally", "finally"),
    "soft hyphen": ("good\u00adbye", "goodbye"),
    "invisible joiner": ("good\u200bbye", "goodbye"),
    "heart of a phone": ("I ❤\ufe0f you", "I ❤ you"),
    "struck out": ("n\u0336e\u0336v\u0336e\u0336r\u0336", "never"),
}


@pytest.mark.parametrize(
    ("body", "wanted"), WRITTEN_DIFFERENTLY.values(), ids=list(WRITTEN_DIFFERENTLY)
)
def test_words_are_found_however_they_are_written(
    alice: User, now: datetime, body: str, wanted: str
) -> None:
    letter = a_letter(alice, body, now=now)

    assert ids(search_letters(wanted, person=alice)) == [letter.pk]


OTHER_WORDS = {
    "another letter in Japanese": ("かく", "がく"),
    "another vowel in Hindi": ("कि", "कु"),
    "another tone in Thai": ("ปา", "ป้า"),
    "part of a syllable in Korean": ("각", "가"),
    "words in another order": ("late too", "too late"),
    "a word between": ("too very late", "too late"),
}


@pytest.mark.parametrize(("body", "wanted"), OTHER_WORDS.values(), ids=list(OTHER_WORDS))
def test_other_words_are_not_found(alice: User, now: datetime, body: str, wanted: str) -> None:
    a_letter(alice, body, now=now)

    assert search_letters(wanted, person=alice).rows == []


@pytest.mark.parametrize("wanted", ["\u0301", "\u200d", "\ufe0f", "\ufdfa"])
def test_what_shows_nothing_is_found_only_as_it_is(alice: User, now: datetime, wanted: str) -> None:
    """With accents and invisible characters left out, nothing is left: that is in every letter."""
    a_letter(alice, "river", now=now)
    letter = a_letter(alice, f"x{wanted}", now=now)

    assert ids(search_letters(wanted, person=alice)) == [letter.pk]


def test_the_same_words_come_before_those_written_differently(alice: User, now: datetime) -> None:
    same = a_letter(alice, "at the CAFE", now=now - timedelta(days=2))
    similar = a_letter(alice, "at the café", now=now - timedelta(days=1))
    same_too = a_letter(alice, "the cafe, later", now=now)

    found = search_letters("cafe", person=alice)

    assert ids(found) == [same_too.pk, same.pk, similar.pk]
    assert (len(found.same), len(found.similar)) == (2, 1)


# --- Work ------------------------------------------------------------------------------------

MARKS = {
    "in the wrong order": ("\u0345", "\u0334"),
    "beyond the basic plane": ("\U0001d16d", "\U0001d167"),
    "two in one": ("\u0f73", "\u0f71"),
    "invisible characters between": ("\u3099\u200b", "\u094d\u200b"),
}
# Marks once they are decomposed. Some have no combining class of their own.
DECOMPOSED = [
    character
    for character in map(chr, range(sys.maxunicode + 1))
    if unicodedata.decomposition(character)
    and unicodedata.combining(unicodedata.normalize("NFKD", character)[0])
]


def longest_run(text: str) -> int:
    """Return how many combining marks follow each other at most once the text is decomposed."""
    longest = run = 0
    for character in text:
        decomposed = unicodedata.decomposition(character).rpartition(">")[2].split()
        marks = [chr(int(code, 16)) for code in decomposed] or [character]
        run = run + len(marks) if all(map(unicodedata.combining, marks)) else 0
        longest = max(longest, run)
    return longest


@pytest.fixture
def normalized(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every text that `normalize` is given."""
    given_to: list[str] = []
    normalize = unicodedata.normalize

    def remember(form: Literal["NFC", "NFD", "NFKC", "NFKD"], text: str) -> str:
        given_to.append(text)
        return normalize(form, text)

    monkeypatch.setattr(unicodedata, "normalize", remember)
    return given_to


@pytest.mark.parametrize("marks", MARKS.values(), ids=list(MARKS))
def test_normalize_is_never_given_a_long_run_of_marks(
    alice: User, now: datetime, normalized: list[str], marks: tuple[str, str]
) -> None:
    """It sorts each run in quadratic time, and nothing else in the process runs meanwhile."""
    a_letter(alice, f"a{marks[0] * 500}{marks[1] * 500} river", now=now)

    found = search_letters("river", person=alice)

    assert len(found.rows) == 1
    assert max(map(longest_run, normalized)) <= 60
    assert sum(map(len, normalized)) < 500


def test_characters_that_become_marks_are_cut_like_marks(normalized: list[str]) -> None:
    assert {"\u0344", "\u0f73", "\uff9e"} <= set(DECOMPOSED)
    for character in DECOMPOSED:
        # Marks of two classes: those of one are in order as they are.
        pair = f"{character}\u0334"
        letter = cut_mark_runs(f"a{character * 500}\u0334{pair * 500}")

        assert SearchText.parse("a").is_nearly_in(letter)

    assert max(map(longest_run, normalized)) <= 60


class Watched:
    """A lock that says when somebody is about to wait for it."""

    def __init__(self) -> None:
        self.lock, self.wanted = threading.Lock(), threading.Event()

    def __enter__(self) -> None:
        self.wanted.set()
        self.lock.acquire()

    def __exit__(self, *_: object) -> None:
        self.lock.release()


@pytest.mark.django_db(transaction=True)
def test_two_searches_look_at_letters_one_after_another(
    alice: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that other pages share the interpreter with one of them at most."""
    letter = a_letter(alice, "river", now=now)
    watched = Watched()
    monkeypatch.setattr(search, "ONE_AT_A_TIME", watched)

    def look() -> SearchResult:
        try:
            return search_letters("river", person=User.objects.get(pk=alice.pk))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with watched.lock:
            other = pool.submit(look)
            assert watched.wanted.wait(PATIENCE)
            assert not other.done()
        assert ids(other.result(PATIENCE)) == [letter.pk]


def test_only_long_runs_of_marks_are_cut() -> None:
    few, many = "a" + "\u0301" * 30, "a" + "\u0301" * 31
    letters = "\U00012000" * 100

    assert cut_mark_runs(f"{few} {many} {letters}") == f"{few} {few} {letters}"


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
