"""The line of a letter in which somebody's words were found, as the results show it."""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

from wcwidth import grapheme_boundary_before, iter_graphemes

from journal.models import Words
from journal.search_text import SearchText, cut_mark_runs, join_spaces

# Without the ellipses at its ends.
MAX_LENGTH = 120


@dataclass(frozen=True)
class Excerpt:
    before: str
    # What was found, as its writer wrote it.
    match: str
    after: str


def excerpt_of(words: Words, wanted: SearchText) -> Excerpt:
    """Return the words around the first place that has what is wanted, or else the first words.

    Whom the letter speaks to is shown only if it was found there: on the shelf it may be hidden.
    """
    texts = (words.body, words.to, f"{words.to}\n{words.body}")
    shown = [join_spaces(cut_mark_runs(text)) for text in texts]
    for is_in, text in product((wanted.is_in, wanted.is_nearly_in), shown):
        if is_in(text):
            return _around(text, *_find(text, is_in, wanted.reach))
    return _around(shown[0], 0, 0)


def _find(text: str, is_in: Callable[[str], bool], reach: int) -> tuple[int, int]:
    """Return where the shortest part begins and ends that is found, in whole graphemes.

    Folding changes lengths, so a place in the folded text is none in the text. Ask the search
    itself instead: is it still found in a part?
    """
    begin, stop = 0, len(text)
    # Each round halves the text, so that all of them together take as long as the first two.
    while stop - begin > 4 * reach:
        middle = (begin + stop) // 2
        if is_in(text[begin : middle + reach]):
            stop = middle + reach
        elif is_in(text[middle:stop]):
            begin = middle
        else:
            # A match that is longer than words that people write.
            break
    end = _first(range(begin, stop), lambda at: is_in(text[begin : _grapheme_end(text, at)]))
    end = _grapheme_end(text, end)
    sizes = range(end - begin)
    size = _first(sizes, lambda size: is_in(text[_grapheme_start(text, end - size) : end]))
    return _grapheme_start(text, end - size), end


def _first(places: range, is_found: Callable[[int], bool]) -> int:
    """Return the first place from which on it is found, or the one after the last."""
    return places.start + bisect_left(places, True, key=is_found)


def _around(text: str, start: int, end: int) -> Excerpt:
    """Cut between words; in a word, or in a language without spaces, between graphemes."""
    end = _at_most(text, start, end)
    room = MAX_LENGTH - (end - start)
    # Near an end of the text, the other side has the room that this one does not need.
    first = max(0, min(start - room // 2, len(text) - MAX_LENGTH))
    last = min(len(text), first + MAX_LENGTH)
    first, last = _next_cut(text, first, start), _previous_cut(text, last, end)
    before, after = text[first:start], text[end:last]
    return Excerpt(
        f"…{before}" if first else before,
        text[start:end],
        f"{after}…" if last < len(text) else after,
    )


def _at_most(text: str, start: int, end: int) -> int:
    if end - start <= MAX_LENGTH:
        return end
    cut = _grapheme_start(text, start + MAX_LENGTH)
    # One grapheme of emoji can be as long as a letter.
    return cut if cut > start else start + MAX_LENGTH


def _next_cut(text: str, at: int, before: int) -> int:
    if at in (0, before):
        return at
    space = text.find(" ", at - 1, before)
    return space + 1 if space >= 0 else min(_grapheme_end(text, at), before)


def _previous_cut(text: str, at: int, after: int) -> int:
    if at in (len(text), after):
        return at
    space = text.rfind(" ", after, at + 1)
    return space if space >= 0 else max(_grapheme_start(text, at), after)


def _grapheme_start(text: str, at: int) -> int:
    """Return the last place up to `at` where a grapheme begins."""
    return grapheme_boundary_before(text, at + 1) if at < len(text) else at


def _grapheme_end(text: str, at: int) -> int:
    """Return the first place from `at` on where a grapheme ends."""
    if at == 0:
        return 0
    start = grapheme_boundary_before(text, at)
    return start + len(next(iter_graphemes(text, start)))
