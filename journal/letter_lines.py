"""Letters as a list shows them: their kind, day and state, never their words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.local_times import day, day_and_time, month, time_of_day
from journal.letter_kinds import KINDS
from journal.models import Letter

ICONS = {"sealed": "envelope", "ready": "envelope", "let_go": "let-go"}
# The columns that a line is made of.
LISTED_FIELDS = ("kind", "state", "created_at", "changed_at", "opens_on", "let_go_at")


@dataclass(frozen=True)
class LetterLine:
    id: UUID
    is_gone: bool
    # The name of a file in templates/icons.
    icon: str
    title: str
    # The month of its last change, by which lists are ordered.
    month: str
    # What became of the letter.
    note: str


def letter_lines(letters: Iterable[Letter], now: datetime) -> list[LetterLine]:
    """Return the lines of a list, with days and times in the current time zone."""
    titles = {key: str(kind.title) for key, kind in KINDS.items()}
    return [_line(letter, titles.get(letter.kind, ""), now) for letter in letters]


def state_at(letter: Letter, now: datetime) -> str:
    """Return the state that a list shows, in the current time zone.

    `ready` for a sealed letter whose day has come; `gone` as soon as a letter that was let go can
    no longer be brought back, even where the task that empties it has not run yet.
    """
    if letter.is_sealed and letter.is_ready(timezone.localdate(now)):
        return "ready"
    if letter.bring_back_until and letter.bring_back_until <= now:
        return Letter.State.GONE.value
    return letter.state


def _line(letter: Letter, kind: str, now: datetime) -> LetterLine:
    state = state_at(letter, now)
    return LetterLine(
        id=letter.pk,
        is_gone=state == Letter.State.GONE,
        icon=ICONS.get(state, "letter"),
        title=f"{kind}, {day(letter.created_at)}",
        month=month(letter.changed_at),
        note=_note(letter, state),
    )


def _note(letter: Letter, state: str) -> str:
    if state == Letter.State.DRAFT:
        return _("Draft, last changed %(at)s") % {"at": day_and_time(letter.changed_at)}
    if letter.opens_on and state == Letter.State.SEALED:
        return _("Sealed until %(opens)s") % {"opens": day(letter.opens_on)}
    if letter.opens_on and state == "ready":
        return _("Sealed until %(opens)s. You can open it now.") % {"opens": day(letter.opens_on)}
    if letter.let_go_at and state == Letter.State.GONE:
        return _("Let go, %(left)s") % {"left": day(letter.let_go_at)}
    if until := letter.bring_back_until:
        said = _("Let go. You can bring it back until %(until)s.")
        return said % {"until": time_of_day(until)}
    return _("Kept")
