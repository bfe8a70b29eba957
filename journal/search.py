"""Search one's own letters. They are opened one by one in memory: there is no index, and neither
words nor queries are stored."""

import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from accounts.models import User
from journal.models import Letter, LetterContents, LetterQuerySet
from vault.sealing import CannotOpen

# A search stops at these bounds and says where.
MAX_LETTERS = 1000
MAX_CHARACTERS = 8_000_000
# One page of the shelf.
MAX_RESULTS = 20
# How many letters are fetched at a time.
CHUNK = 50


@dataclass
class SearchResult:
    # Newest first.
    rows: list[Letter] = field(default_factory=list)
    looked_through: int = 0
    # The last letter that was searched, if there are more: the next search continues after it.
    stopped_at: tuple[datetime, UUID] | None = None
    # How many letters could not be opened.
    unreadable: int = 0


def search_letters(
    text: str, *, person: User, after: tuple[datetime, UUID] | None = None
) -> SearchResult:
    """Return drafts and kept letters that contain this text in any case.

    `after` is where an earlier search stopped. Raises CannotOpen if the person's key cannot be
    opened.
    """
    wanted, key, result, characters = _normalize(text), person.key, SearchResult(), 0
    for letter in _letters(person, after).iterator(chunk_size=CHUNK):
        is_full = len(result.rows) == MAX_RESULTS or characters > MAX_CHARACTERS
        if is_full or result.looked_through == MAX_LETTERS:
            return result
        result.looked_through += 1
        result.stopped_at = letter.changed_at, letter.pk
        try:
            contents: LetterContents = letter.open(key)
        except CannotOpen:
            result.unreadable += 1
            continue
        characters += len(contents.body)
        if wanted in _normalize(f"{contents.to}\n{contents.body}"):
            result.rows.append(letter)
    result.stopped_at = None
    return result


def _letters(person: User, after: tuple[datetime, UUID] | None) -> LetterQuerySet:
    letters: LetterQuerySet = Letter.objects.of(person).draft_or_kept().newest_first()
    if after is None:
        return letters
    at, id = after
    return letters.filter(Q(changed_at__lt=at) | Q(changed_at=at, pk__gt=id))


def _normalize(text: str) -> str:
    """Make text that looks the same compare equal, in any case and with any line ends."""
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n")).casefold()
