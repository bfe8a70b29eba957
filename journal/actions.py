from bisect import bisect_left
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import cast
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction

from accounts.models import User
from journal.models import (
    EMPTIED,
    REMEMBERED,
    REVISION_GRAIN,
    EditSession,
    Ended,
    Letter,
    LetterContents,
    NotNow,
    Opening,
    OpeningContents,
    Revision,
    Words,
    beside,
    still_afloat,
)
from mail.models import Message
from mail.quiet_hours import DAY_START, day_end, is_quiet, next_hour
from vault.statements import Statement

# The mail that says that a day has come.
SET_ASIDE = "set aside"
# How many letters one run takes.
BATCH = 500
# Own first lines beside each kind of letter.
OPENINGS = 12


class ThrownAway(Exception):
    """These words began in a letter that is not there any more. Nothing was stored."""


class TooMany(Exception):
    """There is no room for one more."""


@dataclass(frozen=True)
class Saved:
    """What became of words that were sent: where they are now. `revision` is set where they do not
    stand in the letter itself, because other words came first; `is_apart` where that letter is
    closed by now, so that they are a draft of their own; `is_overtaken` where newer words of the
    same page stand there."""

    letter: Letter
    revision: Revision | None = None
    is_apart: bool = False
    is_overtaken: bool = False


@dataclass(frozen=True)
class Sheet:
    """What a page sends. `version` is that of the words it was begun from, 0 for a new paper;
    `revision` is where words of it went that came too late before. Pages without a script have no
    `sitting`."""

    words: Words
    version: int = 0
    revision: UUID | None = None
    sitting: EditSession | None = None
    # It was sent before, or has waited on a device: the letter that it begins may be gone by now.
    has_waited: bool = False

    def follows(self, letter: Letter) -> bool:
        """Whether it was written with the letter's words in view, as they are now."""
        return self.version == letter.version or self._is_of_the_same(letter)

    def is_overtaken(self, letter: Letter) -> bool:
        """Whether newer words of the same page stand in the letter already."""
        return self._is_of_the_same(letter) and self._turn <= letter.turn

    def _is_of_the_same(self, letter: Letter) -> bool:
        return self.sitting is not None and self.sitting.id == letter.sitting

    @property
    def _turn(self) -> int:
        return self.sitting.turn if self.sitting else 0


def save_words(
    *,
    person: User,
    id: UUID,
    sheet: Sheet,
    now: datetime,
    kind: str = "",
    answers: UUID | None = None,
) -> Saved:
    """Keep what is on the paper, and never by writing over anything else. Raises CannotOpen, and
    ThrownAway."""
    if not sheet.version:
        if sheet.has_waited and Ended.objects.filter(pk=id).exists():
            raise ThrownAway
        fresh = Letter.begun(
            person=person,
            id=id,
            kind=kind,
            words=sheet.words,
            sitting=sheet.sitting,
            now=now,
            answers_id=answers,
        )
        # Nearly always there is none of this id yet, and nothing else to be asked.
        try:
            if fresh.insert_if_new():
                return Saved(fresh)
        except IntegrityError:
            # The letter that it answers has just gone.
            if answers is None:
                raise
            return save_words(person=person, id=id, sheet=sheet, now=now, kind=kind)
    with transaction.atomic():
        letter = _held(person, id, now=now)
        if letter is not None:
            return _save_over(person, letter, sheet, now=now)
    if sheet.version or Letter.objects.of(person).filter(pk=id).exists():
        raise ThrownAway
    # The id of another person's letter: it never came from ours.
    return save_words(person=person, id=uuid4(), sheet=sheet, now=now, kind=kind, answers=answers)


# A letter of theirs, which nobody else changes meanwhile.
HELD = Statement(
    lambda owner, id, afloat: (
        Letter.objects.of(owner).there(afloat).select_for_update().filter(pk=id)
    )
)


def _held(person: User, id: UUID, *, now: datetime) -> Letter | None:
    found: Letter | None = HELD.first(person.pk, id, still_afloat(now))
    return found


def _save_over(person: User, letter: Letter, sheet: Sheet, *, now: datetime) -> Saved:
    if not letter.opens(person.key):
        # Nothing is written over it, and these words need a place all the same.
        return _apart(person, letter, sheet, now=now)
    before: LetterContents = letter.open(person.key)
    if sheet.words == before.words:
        # Sent again, because the answer was lost: whichever version it names.
        return Saved(letter)
    if sheet.is_overtaken(letter):
        return Saved(letter, is_overtaken=True)
    if not letter.is_draft:
        # It was closed elsewhere meanwhile, and stays as it is.
        return _apart(person, letter, sheet, now=now)
    if not sheet.follows(letter):
        return Saved(letter, _set_beside(person, letter, sheet, now=now))
    _revise(person, letter, before.words, sheet.words, now=now)
    letter.put(person, before.saying(sheet.words), sitting=sheet.sitting, now=now)
    return Saved(letter)


def _apart(person: User, letter: Letter, sheet: Sheet, *, now: datetime) -> Saved:
    id, anew = beside(letter.pk, "later"), replace(sheet, version=0)
    saved = save_words(person=person, id=id, sheet=anew, kind=letter.kind, now=now)
    return replace(saved, is_apart=True)


def _set_beside(person: User, letter: Letter, sheet: Sheet, *, now: datetime) -> Revision:
    """Words that came too late, in a row of their own: one for each paper that goes on."""
    words, at = sheet.words, sheet.revision
    own = Revision.objects.of(person).filter(letter=letter).late()
    row: Revision | None = own.filter(pk=at).first() if at else own.newest_first().first()
    # Nothing is written over one that does not open.
    opens = row is not None and row.opens(person.key)
    if row is not None and opens and row.open(person.key) == words:
        return row
    if row is None or at is None or not opens:
        return Revision.keep(person, letter, words, late=True, now=now)
    row.reseal(person.key, words, now=now)
    return row


def _revise(person: User, letter: Letter, before: Words, after: Words, *, now: datetime) -> None:
    """Keep what stood there, now and then, and always where half of it or more is about to go."""
    is_long_ago = letter.revised_at is None or now - letter.revised_at >= REVISION_GRAIN
    if is_long_ago or 2 * _stays(before.body, after.body) <= len(before.body):
        Revision.keep(person, letter, before, now=now)
        letter.revised_at = now


def _stays(before: str, after: str) -> int:
    """How many signs stand in both, at the beginning and at the end."""
    start = _alike(before, after)
    rest = before[start:], after[start:]
    return start + _alike(rest[0][::-1], rest[1][::-1])


def _alike(one: str, other: str) -> int:
    """With how many signs both begin."""
    lengths = range(1, min(len(one), len(other)) + 1)
    return bisect_left(lengths, True, key=lambda length: one[:length] != other[:length])


@dataclass(frozen=True)
class RevisionRef:
    """Earlier words of one letter of this person's."""

    person: User
    id: UUID
    revision: UUID


@transaction.atomic
def put_back(which: RevisionRef, *, version: int, now: datetime) -> Letter:
    """Earlier words in the place of those that stand there, which become earlier ones in turn.

    Raises CannotOpen, and NotNow where there are newer words by now, or none to put back.
    """
    letter, row = _held_with(which)
    if letter.version != version:
        raise NotNow
    before: LetterContents = letter.open(which.person.key)
    words: Words = row.open(which.person.key)
    # First, for what stood there may be the one version too many, and this the oldest.
    row.settle()
    if before.words != words:
        Revision.keep(which.person, letter, before.words, now=now)
        letter.revised_at = now
        letter.put(which.person, before.saying(words), now=now)
    return letter


@transaction.atomic
def keep_both(which: RevisionRef, *, now: datetime) -> Letter:
    """Other words of this letter as one of their own. Raises CannotOpen, and NotNow."""
    letter, row = _held_with(which)
    return _as_its_own(which.person, letter, row, now=now)


@transaction.atomic
def leave_as_it_is(which: RevisionRef) -> None:
    """The letter's own words stand; the others are an earlier version like any."""
    _held_with(which)[1].settle()


@transaction.atomic
def seal(*, person: User, letter: Letter, day: date, tell_hour: int | None, now: datetime) -> None:
    """Close it until this day. Its earlier versions go. Raises CannotOpen, and NotNow."""
    letter.seal_until(day, tell_hour=tell_hour, person=person, now=now)
    _save_undecided(person, letter, now=now)
    Revision.objects.of(person).filter(letter=letter, is_late=False).delete()


@transaction.atomic
def let_go(*, person: User, letter: Letter, leaves_line: bool, now: datetime) -> None:
    """Put it on the water. Raises CannotOpen, and NotNow."""
    letter.let_go(leaves_line=leaves_line, now=now)
    _save_undecided(person, letter, now=now)


@transaction.atomic
def throw_away(*, person: User, letter: Letter, now: datetime) -> None:
    """A draft, and only a draft: everything else is let go, and can be brought back. Raises
    CannotOpen, and NotNow."""
    if not letter.is_draft:
        raise NotNow
    _save_undecided(person, letter, now=now)
    _delete([letter.pk], now=now)


def _save_undecided(person: User, letter: Letter, *, now: datetime) -> None:
    """Words in it that nobody has decided about become drafts of their own. What does not open
    stays where it is."""
    key = person.key
    for row in Revision.objects.of(person).filter(letter=letter).late():
        if row.opens(key):
            _as_its_own(person, letter, row, now=now)


def _held_with(which: RevisionRef) -> tuple[Letter, Revision]:
    letters = Letter.objects.of(which.person).open_to_change().select_for_update()
    letter: Letter | None = letters.filter(pk=which.id).first()
    rows = Revision.objects.of(which.person).filter(letter=which.id, pk=which.revision)
    row: Revision | None = rows.first()
    if letter is None or row is None:
        raise NotNow
    return letter, row


def _as_its_own(person: User, letter: Letter, row: Revision, *, now: datetime) -> Letter:
    words: Words = row.open(person.key)
    row.settle()
    id = beside(row.pk, "of its own")
    return save_words(person=person, id=id, sheet=Sheet(words), kind=letter.kind, now=now).letter


@transaction.atomic
def let_go_for_good(*, now: datetime) -> int:
    """Empty or delete what nobody can bring back any more. Returns how many.

    Safe to run any number of times at once.
    """
    over = Letter.objects.over(now).order_by("let_go_at")
    rows = list(over.only("leaves_line").select_for_update(skip_locked=True)[:BATCH])
    lines = [row.pk for row in rows if row.leaves_line]
    Revision.objects.filter(letter__in=lines).delete()
    Letter.objects.filter(answers__in=lines).update(answers=None)
    Letter.objects.filter(pk__in=lines).update(state=Letter.State.GONE, **EMPTIED)
    _delete([row.pk for row in rows if not row.leaves_line], now=now)
    Ended.objects.filter(ended_at__lte=now - REMEMBERED).delete()
    return len(rows)


def _delete(ids: list[UUID], *, now: datetime) -> None:
    Ended.objects.bulk_create([Ended(pk=id, ended_at=now) for id in ids], ignore_conflicts=True)
    Letter.objects.filter(pk__in=ids).delete()


@transaction.atomic
def time_zone_changed(*, person: User, now: datetime) -> None:
    """Their clock is another one now: they are told by that one."""
    for letter in Letter.objects.of(person).untold().defer("sealed").select_for_update():
        letter.tell_at = letter.tells_at(person.zone)
        letter.save(update_fields=["tell_at"])
    waiting = Message.objects.pending().filter(kind=SET_ASIDE, person=person)
    for message in waiting.select_for_update(skip_locked=True):
        _give_a_window(message, person.zone, now=now)


@transaction.atomic(durable=True)
def queue_ready_mails(*, now: datetime) -> int:
    """Turn days that have come into mail. Returns how many letters were looked at.

    Safe to run any number of times at once: a day of a letter makes one mail.
    """
    _give_new_windows(now=now)
    due = Letter.objects.untold().filter(tell_at__lte=now).select_related("owner").defer("sealed")
    letters = list(due.select_for_update(of=("self",), skip_locked=True)[:BATCH])
    messages = []
    for letter in letters:
        zone = letter.owner.zone
        if is_quiet(now, zone):
            letter.tell_at = next_hour(DAY_START.hour, zone, now)
        else:
            letter.tell_at = None
            messages.append(_message(letter, now=now))
    Message.objects.bulk_create(messages, ignore_conflicts=True)
    Letter.objects.bulk_update(letters, ["tell_at"])
    return len(letters)


def _give_new_windows(*, now: datetime) -> None:
    """What could not leave before the quiet hours leaves after them."""
    late = Message.objects.pending().filter(kind=SET_ASIDE, closes_at__lte=now)
    for message in late.select_related("person").select_for_update(of=("self",), skip_locked=True):
        # Erasing somebody takes their mail along, so there is a person.
        _give_a_window(message, cast(User, message.person).zone, now=now)


def _give_a_window(message: Message, zone: ZoneInfo, *, now: datetime) -> None:
    """It leaves by day on this clock, and not before it was due."""
    at = max(message.due_at, now)
    message.due_at = next_hour(DAY_START.hour, zone, at) if is_quiet(at, zone) else at
    message.closes_at = day_end(message.due_at, zone)
    message.save(update_fields=["due_at", "closes_at"])


def _message(letter: Letter, *, now: datetime) -> Message:
    return Message(
        kind=SET_ASIDE,
        person_id=letter.owner_id,
        key=f"{SET_ASIDE}:{letter.pk}:{letter.opens_on}",
        due_at=now,
        closes_at=day_end(now, letter.owner.zone),
        created_at=now,
    )


@transaction.atomic
def keep_opening(*, person: User, kind: str, text: str, now: datetime) -> None:
    """A first line of their own beside this kind of letter. Raises CannotOpen, and TooMany."""
    # Held, so that a second tap sees what the first one kept.
    User.objects.for_update().get(pk=person.pk)
    rows = list(Opening.objects.of(person).filter(kind=kind))
    if any(row.opens(person.key) and row.open(person.key).text == text for row in rows):
        return
    if len(rows) >= OPENINGS:
        raise TooMany
    Opening.sealed_by(person.key, OpeningContents(text), kind=kind, now=now).save(force_insert=True)
