"""Letters as a list shows them: their kind, day and state, never their words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.urls import reverse
from django.utils import timezone
from django.utils.dates import MONTHS
from django.utils.translation import gettext as _

from journal.letter_kinds import KINDS
from journal.models import Letter

ICONS = {"sealed": "envelope", "ready": "envelope", "let_go": "let-go"}
# The columns that a line is made of.
LISTED_FIELDS = ("kind", "state", "created_at", "changed_at", "opens_on", "let_go_at")


@dataclass(frozen=True)
class LetterLine:
    address: str
    is_gone: bool
    # The name of a file in templates/icons.
    icon: str
    title: str
    # What became of the letter.
    note: str


def letter_lines(letters: Iterable[Letter], now: datetime) -> list[LetterLine]:
    """Return the lines of a list, with days and times in the current time zone."""
    titles = {key: str(kind.title) for key, kind in KINDS.items()}
    # To reverse each address would be a tenth of the shelf.
    shelf = reverse("journal:shelf")
    return [
        _line(letter, f"{shelf}{letter.pk}/", titles.get(letter.kind, ""), now)
        for letter in letters
    ]


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


def _line(letter: Letter, address: str, kind: str, now: datetime) -> LetterLine:
    state = state_at(letter, now)
    return LetterLine(
        address=address,
        is_gone=state == Letter.State.GONE,
        icon=ICONS.get(state, "letter"),
        title=f"{kind}, {_day(letter.created_at)}",
        note=_note(letter, state),
    )


def _note(letter: Letter, state: str) -> str:
    match state:
        case Letter.State.DRAFT:
            changed = {"changed": _day(letter.changed_at), "time": _time(letter.changed_at)}
            return _("Draft, last changed %(changed)s, %(time)s") % changed
        case Letter.State.KEPT:
            return _("Kept")
        case Letter.State.SEALED:
            return _("Sealed until %(opens)s") % {"opens": _day(letter.opens_on)}
        case "ready":
            opens = {"opens": _day(letter.opens_on)}
            return _("Set aside until %(opens)s. It may be opened now.") % opens
        case Letter.State.GONE:
            return _("Let go, %(left)s") % {"left": _day(letter.let_go_at)}
    until = {"until": _time(letter.bring_back_until)}
    return _("On the water until %(until)s. Until then you can bring it back.") % until


def _day(moment: date | None) -> str:
    local = _local(moment)
    return f"{local.day} {MONTHS[local.month]} {local.year}" if local else ""


def _time(moment: datetime | None) -> str:
    return f"{_local(moment):%H:%M}" if moment else ""


def _local(moment: date | None) -> date | None:
    return timezone.localtime(moment) if isinstance(moment, datetime) else moment
