"""Looking for words in one's own letters. They are opened one by one, in memory, and forgotten
again: there is no index, and nothing is written down of what was looked for."""

import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from accounts.models import User
from journal.models import Letter, LetterContents, LetterQuerySet
from vault.sealing import CannotOpen

# One search looks through so much and then says where it stopped.
MOST_LETTERS = 1000
MOST_CHARACTERS = 8_000_000
# As many as stand on a page of the shelf.
MOST_FOUND = 20
# Opened at a time.
CHUNK = 50


@dataclass
class Found:
    """Letters with these words in them, newest first."""

    rows: list[Letter] = field(default_factory=list)
    looked_through: int = 0
    # Where there is more: the last letter that was looked at.
    stopped_at: tuple[datetime, UUID] | None = None
    # How many could not be opened.
    unreadable: int = 0


def look_for(text: str, *, person: User, after: tuple[datetime, UUID] | None = None) -> Found:
    """Drafts and kept letters with this text in them, however it is written large or small; sealed
    ones stay closed. `after` is where an earlier search stopped. Raises CannotOpen where the
    person's key does not open."""
    wanted, key, found, characters = _plain(text), person.key, Found(), 0
    for letter in _letters(person, after).iterator(chunk_size=CHUNK):
        is_full = len(found.rows) == MOST_FOUND or characters > MOST_CHARACTERS
        if is_full or found.looked_through == MOST_LETTERS:
            return found
        found.looked_through += 1
        found.stopped_at = letter.changed_at, letter.pk
        try:
            contents: LetterContents = letter.open(key)
        except CannotOpen:
            found.unreadable += 1
            continue
        characters += len(contents.body)
        if wanted in _plain(f"{contents.to}\n{contents.body}"):
            found.rows.append(letter)
    found.stopped_at = None
    return found


def _letters(person: User, after: tuple[datetime, UUID] | None) -> LetterQuerySet:
    letters: LetterQuerySet = Letter.objects.of(person).open_to_change().newest_first()
    if after is None:
        return letters
    at, id = after
    return letters.filter(Q(changed_at__lt=at) | Q(changed_at=at, pk__gt=id))


def _plain(text: str) -> str:
    """So that the same words are found however they were typed."""
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n")).casefold()
