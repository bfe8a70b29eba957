"""The line in which words were found: as it was written, around the match."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wcwidth import iter_graphemes

from journal.excerpts import MAX_LENGTH, Excerpt, excerpt_of
from journal.models import Words
from journal.search_text import SearchText, cut_mark_runs, join_spaces

RAIN = "It rained all day, and I nearly told you about it."
LONG = " ".join(f"word{number}" for number in range(100))
FAMILY = "👩\u200d👩\u200d👧\u200d👦"


def excerpt(body: str, wanted: str, *, to: str = "") -> Excerpt:
    return excerpt_of(Words(to, body), SearchText.parse(wanted))


@pytest.mark.parametrize(
    ("body", "wanted", "before", "match", "after"),
    [
        (RAIN, "nearly told", "It rained all day, and I ", "nearly told", " you about it."),
        (RAIN, "IT RAIN", "", "It rain", "ed all day, and I nearly told you about it."),
        (RAIN, "about it.", "It rained all day, and I nearly told you ", "about it.", ""),
        ("at the café", "cafe", "at the ", "café", ""),
        ("at the cafe\u0301 again", "cafe", "at the ", "cafe\u0301", " again"),
        ("at the cafe\u0301 again", "CAFÉ", "at the ", "cafe\u0301", " again"),
        ("I didn’t know", "didn't", "I ", "didn’t", " know"),
        ("it was too\r\n\r\nlate for us", "too late", "it was ", "too late", " for us"),
        ("wait--no, wait", "wait—no", "", "wait--no", ", wait"),
        ("eﬀects", "fe", "e", "ﬀe", "cts"),
        ("5 ㎞ away", "km", "5 ", "㎞", " away"),
        ("die STRASSE hier", "straße", "die ", "STRASSE", " hier"),
        ("die Straße hier", "asse", "die Str", "aße", " hier"),
        ("g\u00adood\u200bbye now", "goodbye", "", "g\u00adood\u200bbye", " now"),
        (
            "n\u0336o\u0336t n\u0336o\u0336w\u0336",
            "now",
            "n\u0336o\u0336t ",
            "n\u0336o\u0336w\u0336",
            "",
        ),
        ("각 가\u11a8 갔다", "갔", "각 가\u11a8 ", "갔", "다"),
        (f"we {FAMILY}!", "👧", "we ", FAMILY, "!"),
        ("שָׁלוֹם לך", "שלום", "", "שָׁלוֹם", " לך"),
        ("e\u0301, o, i, u, e\u0301, e", "e", "e\u0301, o, i, u, e\u0301, ", "e", ""),
        ("e\u0301, e", "e", "e\u0301, ", "e", ""),
        ("cafe, Café", "café", "cafe, ", "Café", ""),
        ("-" * 6 + "a", "-a", "-----", "-a", ""),
        ("a¨¨¨b", "a b", "", "a¨¨¨b", ""),
    ],
)
def test_excerpt_marks_what_was_written(
    body: str, wanted: str, before: str, match: str, after: str
) -> None:
    assert excerpt(body, wanted) == Excerpt(before, match, after)


def test_long_letter_is_cut_between_words() -> None:
    found = excerpt(LONG, "word50")

    line = f"{found.before}{found.match}{found.after}"
    assert (found.match, line[0], line[-1]) == ("word50", "…", "…")
    assert line[1:-1].split(" ") == [f"word{number}" for number in range(42, 59)]


@pytest.mark.parametrize(("wanted", "ends"), [("word0", (False, True)), ("word99", (True, False))])
def test_an_end_of_a_letter_has_the_room_that_the_other_side_does_not_need(
    wanted: str, ends: tuple[bool, bool]
) -> None:
    found = excerpt(LONG, wanted)
    line = f"{found.before}{found.match}{found.after}"

    assert (line.startswith("…"), line.endswith("…")) == ends
    assert MAX_LENGTH - 7 < len(line) <= MAX_LENGTH + 1


@pytest.mark.parametrize("grapheme", ["海", "e\u0301", "🇩🇪", FAMILY, "क्षि", "각", "a\u0336\u0301"])
def test_text_without_spaces_is_cut_between_graphemes(grapheme: str) -> None:
    found = excerpt(f"{grapheme * 200}x{grapheme * 200}", "x")

    for side in (found.before[1:], found.after[:-1]):
        assert set(iter_graphemes(side)) == {grapheme}
        assert MAX_LENGTH // 2 - 12 <= len(side) <= MAX_LENGTH // 2


def test_very_long_match_is_cut() -> None:
    spaced = excerpt(f"a{'¨' * 90_000}b {LONG}", "a b")
    family = excerpt("x" + "👩\u200d" * 40_000, "👩")

    for found in (spaced, family):
        assert (len(found.match), found.after) == (MAX_LENGTH, "…")


def test_whom_it_speaks_to_is_shown_only_if_it_was_found_there() -> None:
    assert excerpt("for you, Mina", "you", to="Mina").before == "for "
    assert excerpt("it rained", "min", to="Mina") == Excerpt("", "Min", "a")
    assert excerpt("it rained", "Café", to="Cafe") == Excerpt("", "Cafe", "")
    assert excerpt("it rained", "Mina it", to="Mina") == Excerpt("", "Mina it", " rained")


def test_exact_words_come_before_words_that_are_written_differently() -> None:
    assert excerpt("a café, then a cafe", "cafe").before == "a café, then a "


@pytest.mark.parametrize("wanted", ["\u200d", "\u0301"])
def test_what_shows_nothing_is_marked_where_it_stands(wanted: str) -> None:
    assert excerpt(f"a river x{wanted}", wanted) == Excerpt("a river ", f"x{wanted}", "")


def test_words_that_are_no_longer_there_leave_the_beginning() -> None:
    found = excerpt(LONG, "nowhere")

    assert (found.before, found.match) == ("", "")
    assert found.after.startswith("word0 ")


@given(
    before=st.text(max_size=300),
    wanted=st.text(min_size=1, max_size=20),
    after=st.text(max_size=300),
)
def test_excerpt_of_any_text_holds_what_was_found(before: str, wanted: str, after: str) -> None:
    text, search = f"{before}\n{wanted}\n{after}", SearchText.parse(wanted)
    found = excerpt(text, wanted)
    line = f"{found.before.removeprefix('…')}{found.match}{found.after.removesuffix('…')}"

    assert line in join_spaces(cut_mark_runs(text))
    assert len(line) <= MAX_LENGTH
    if join_spaces(wanted):
        assert search.is_in(found.match) or search.is_nearly_in(found.match)
    whole = list(iter_graphemes(join_spaces(cut_mark_runs(text))))
    assert all(part in whole for part in iter_graphemes(found.match))
