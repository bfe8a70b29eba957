"""Make letters, and read their words back."""

from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.models import User
from journal.models import Letter, LetterContents, Revision, Words


def a_letter(
    person: User, body: str = "words", *, to: str = "", now: datetime, **plain: Any
) -> Letter:
    """Save a letter: a kept one, unless `state` is given."""
    plain = {"state": Letter.State.KEPT} | plain
    letter = Letter.sealed_by(person.key, LetterContents(to, body), now=now, **plain)
    letter.save(force_insert=True)
    return letter


def a_draft(person: User, body: str = "words", *, now: datetime, **plain: Any) -> Letter:
    return a_letter(person, body, now=now, state=Letter.State.DRAFT, **plain)


def words_of(letter: Letter | UUID, person: User) -> Words:
    """Return the current words of a letter, which is named by itself or by the id of its page."""
    id = Letter.stored_id(person, letter) if isinstance(letter, UUID) else letter.pk
    contents: LetterContents = Letter.objects.of(person).get(pk=id).open(person.key)
    return contents.words


def bodies(person: User) -> list[str]:
    """Return the bodies of all letters of a person, newest first."""
    return [row.open(person.key).body for row in Letter.objects.of(person).newest_first()]


def earlier(letter: Letter, person: User, *, late: bool | None = None) -> list[str]:
    """Return the bodies of a letter's revisions, newest first: late ones, others, or all."""
    rows = Revision.objects.of(person).filter(letter=letter).newest_first()
    rows = rows if late is None else rows.filter(is_late=late)
    return [row.open(person.key).body for row in rows]
