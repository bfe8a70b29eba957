"""Letters as a list shows them: their kind, day and state, never their words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache

from django.urls import reverse
from django.utils import timezone
from django.utils.dates import MONTHS
from django.utils.translation import gettext_lazy as _

from journal.letter_kinds import KINDS
from journal.models import Letter

ICONS = {"sealed": "envelope", "ready": "envelope", "let_go": "let-go"}
NOTES = {
    "draft": _("Draft, last changed %(changed)s, %(time)s"),
    "kept": _("Kept"),
    "sealed": _("Sealed until %(opens)s"),
    "ready": _("Set aside until %(opens)s. It may be opened now."),
    "let_go": _("On the water until %(until)s. Until then you can bring it back."),
    "gone": _("Let go, %(left)s"),
}
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
    lines = _Lines(now)
    return [lines.line(letter) for letter in letters]


class _Lines:
    """The lines of one list. Words, addresses and the time zone that they share are looked up once:
    to do so for each line was an eighth of the shelf."""

    def __init__(self, now: datetime) -> None:
        self.now, self.zone = now, timezone.get_current_timezone()
        self.shelf = reverse("journal:shelf")
        self.kind = cache(lambda key: str(KINDS[key].title) if key in KINDS else "")
        self.note = cache(lambda state: str(NOTES[state]))
        self.month = cache(lambda number: str(MONTHS[number]))

    def line(self, letter: Letter) -> LetterLine:
        state = self.state(letter)
        return LetterLine(
            address=f"{self.shelf}{letter.pk}/",
            is_gone=state == Letter.State.GONE,
            icon=ICONS.get(state, "letter"),
            title=f"{self.kind(letter.kind)}, {self.day(letter.created_at)}",
            note=self.note(state) % self.days(letter, state),
        )

    def state(self, letter: Letter) -> str:
        """`ready` for a sealed letter whose day has come; `gone` as soon as a letter that was let
        go can no longer be brought back, even where the task that empties it has not run yet."""
        if letter.is_sealed and letter.is_ready(timezone.localdate(self.now)):
            return "ready"
        if letter.bring_back_until and letter.bring_back_until <= self.now:
            return Letter.State.GONE.value
        return letter.state

    def days(self, letter: Letter, state: str) -> dict[str, str]:
        """Return what the note about this state says in days and times."""
        match state:
            case Letter.State.DRAFT:
                return {
                    "changed": self.day(letter.changed_at),
                    "time": self.time(letter.changed_at),
                }
            case Letter.State.SEALED | "ready":
                return {"opens": self.day(letter.opens_on)}
            case Letter.State.LET_GO:
                return {"until": self.time(letter.bring_back_until)}
            case Letter.State.GONE:
                return {"left": self.day(letter.let_go_at)}
        return {}

    def day(self, moment: date | None) -> str:
        if moment is None:
            return ""
        local = moment.astimezone(self.zone) if isinstance(moment, datetime) else moment
        return f"{local.day} {self.month(local.month)} {local.year}"

    def time(self, moment: datetime | None) -> str:
        return f"{moment.astimezone(self.zone):%H:%M}" if moment else ""
