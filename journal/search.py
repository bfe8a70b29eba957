"""Search one's own letters. They are opened one by one in memory: there is no index."""

import threading
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from accounts.models import User
from journal.excerpts import Excerpt, excerpt_of
from journal.models import Letter, LetterContents, LetterQuerySet
from journal.search_text import SearchText, cut_mark_runs
from vault.sealing import CannotOpen

# A search stops at these bounds and says where.
MAX_LETTERS = 1000
# Of sealed text. Characters that take several bytes take more work too.
MAX_BYTES = 8_000_000
# One page of the shelf.
MAX_RESULTS = 20
# How many letters are fetched at a time.
CHUNK = 50
# Searches in several threads would share the interpreter with every other page of the process, and
# that page would wait for each of them in turn: they look at letters one after another.
ONE_AT_A_TIME = threading.Lock()

# A letter, by its place in the order of a search.
Position = tuple[datetime, UUID]


@dataclass
class SearchResult:
    # Newest first: letters with these words, and letters that write them a little differently.
    same: list[Letter] = field(default_factory=list)
    similar: list[Letter] = field(default_factory=list)
    # The line in which the words were found, by the letter's id.
    excerpts: dict[UUID, Excerpt] = field(default_factory=dict)
    looked_through: int = 0
    # The last letter that was searched, if there are more: the next search continues after it.
    stopped_at: Position | None = None
    # How many letters could not be opened.
    unreadable: int = 0

    @property
    def rows(self) -> list[Letter]:
        return self.same + self.similar


def search_letters(text: str, *, person: User, after: Position | None = None) -> SearchResult:
    """Return drafts and kept letters that contain this text.

    `after` is where an earlier search stopped. Raises CannotOpen if the person's key cannot be
    opened.
    """
    wanted, key, result, size = SearchText.parse(text), person.key, SearchResult(), 0
    for letter in _letters(person, after).iterator(chunk_size=CHUNK):
        is_full = len(result.rows) == MAX_RESULTS or size > MAX_BYTES
        if is_full or result.looked_through == MAX_LETTERS:
            return result
        result.looked_through += 1
        result.stopped_at = letter.changed_at, letter.pk
        size += len(letter.sealed)
        try:
            contents: LetterContents = letter.open(key)
        except CannotOpen:
            result.unreadable += 1
            continue
        with ONE_AT_A_TIME:
            _add_if_found(result, letter, wanted, contents)
    result.stopped_at = None
    return result


def _add_if_found(
    result: SearchResult, letter: Letter, wanted: SearchText, contents: LetterContents
) -> None:
    words = cut_mark_runs(f"{contents.to}\n{contents.body}")
    if wanted.is_in(words):
        result.same.append(letter)
    elif wanted.is_nearly_in(words):
        result.similar.append(letter)
    else:
        return
    result.excerpts[letter.pk] = excerpt_of(contents, wanted)


def _letters(person: User, after: Position | None) -> LetterQuerySet:
    letters: LetterQuerySet = Letter.objects.of(person).draft_or_kept().newest_first()
    if after is None:
        return letters
    at, id = after
    return letters.filter(Q(changed_at__lt=at) | Q(changed_at=at, pk__gt=id))
