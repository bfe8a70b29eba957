from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import transaction

from accounts.models import User
from pause.models import MAX_CHARACTERS, Pause, PauseContents
from vault.sealing import CannotOpen
from vault.storage_quota import check_quota, has_grown


class NoRoomForWords(Exception):
    """The pause that runs already has as many words as it can hold. Nothing was saved."""


@transaction.atomic
def begin(
    *,
    person: User,
    page: UUID,
    words: str,
    trigger: str,
    minutes: int,
    now: datetime,
) -> Pause:
    """Begin a pause, or put the words below those of the one that is open.

    Sent twice, the words of a page are stored once. Raises CannotOpen, QuotaExceeded and
    NoRoomForWords.
    """
    # Twenty taps, or two devices at once, make one pause: lock the person.
    User.objects.lock_row(person.pk)
    contents = PauseContents(words=words, trigger=trigger, pages=[str(page)])
    current = _current_or_closed(person, now)
    if current and current.opens(person.key):
        _add_words(person, current, contents, now=now)
        return current
    if current is not None:
        # Never write over what cannot be opened: it stays, and another one begins.
        current.close(now=now)
    id = person.key.derive_id(Pause.purpose, page)
    saved: Pause | None = Pause.objects.of(person).filter(pk=id).first()
    if saved is not None and _has_words(person, saved, words):
        # Sent once more, perhaps after its end.
        return saved
    check_quota(person.pk)
    row = _new(person, contents, id=id if saved is None else uuid4(), minutes=minutes, now=now)
    row.save(force_insert=True)
    return row


def _new(person: User, contents: PauseContents, *, id: UUID, minutes: int, now: datetime) -> Pause:
    return Pause.sealed_by(
        person.key,
        contents,
        id=id,
        began_at=now,
        ends_at=now + timedelta(minutes=minutes),
        is_undecided=bool(contents.words),
        now=now,
    )


def _current_or_closed(person: User, now: datetime) -> Pause | None:
    """Return the current pause. One that nobody came back to is closed."""
    row: Pause | None = Pause.objects.of(person).filter(is_open=True).first()
    if row is None or row.is_current(now):
        return row
    row.close(now=now)
    return None


def _has_words(person: User, row: Pause, words: str) -> bool:
    return row.opens(person.key) and row.open(person.key).words == words


def _add_words(person: User, row: Pause, sent: PauseContents, *, now: datetime) -> None:
    before = row.open(person.key)
    is_new = sent.words not in before.words
    words = "\n\n".join(filter(None, [before.words, sent.words])) if is_new else before.words
    if is_new and len(words) > MAX_CHARACTERS:
        raise NoRoomForWords
    size, pages = len(row.sealed), list(dict.fromkeys([*before.pages, *sent.pages]))
    trigger = before.trigger or sent.trigger
    after = replace(before, words=words, trigger=trigger, pages=pages)
    if after == before:
        return
    row.seal(person.key, after, now=now)
    if has_grown(size, len(row.sealed)):
        check_quota(person.pk)
    row.is_undecided = bool(words)
    row.save(update_fields=["sealed", "scheme", "changed_at", "is_undecided"])


@transaction.atomic
def end(*, person: User, row: Pause, outcome: str, now: datetime) -> None:
    """End it with what its writer says. It ends also if that cannot be sealed with it."""
    if not row.is_open:
        return
    row.close(now=now)
    try:
        row.reseal(person.key, replace(row.open(person.key), outcome=outcome), now=now)
    except CannotOpen:
        return


def save_how_now(*, person: User, row: Pause, how_now: str, words: str, now: datetime) -> None:
    """Seal how somebody is with their pause. Raises CannotOpen."""
    after = replace(row.open(person.key), how_now=how_now, now_words=words)
    row.reseal(person.key, after, now=now)


def delete_old(*, now: datetime) -> int:
    """Delete pauses and their words when their days are over. Returns how many.

    Safe to run any number of times at once.
    """
    deleted, _by_model = Pause.objects.to_delete(now).delete()
    return deleted
