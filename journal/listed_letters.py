"""Letters as a list shows them: their kind, day and state.

Of their words a list shows only what it is given: names that somebody wants to see on their shelf,
and lines in which a search has found something.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.local_times import LocalDays, day, day_and_time, time_of_day
from journal.excerpts import Excerpt
from journal.letter_kinds import KINDS
from journal.models import Letter

ICONS = {"sealed": "envelope", "ready": "envelope", "let_go": "let-go"}
NOTES = {
    "draft": _("Draft, last changed %(at)s"),
    "kept": _("Kept"),
    "sealed": _("Sealed until %(opens)s"),
    "ready": _("Sealed until %(opens)s. You can open it now."),
    "let_go": _("Let go. You can bring it back until %(until)s."),
    "gone": _("Let go, %(left)s"),
}
# The columns that a line is made of.
LISTED_FIELDS = ("kind", "state", "created_at", "changed_at", "opens_on", "let_go_at")


@dataclass(frozen=True)
class LetterLine:
    # Where it is read; of a letter that is gone, where its line is removed.
    address: str
    is_gone: bool
    # The name of a file in templates/icons.
    icon: str
    title: str
    # In which it was last changed, such as `November 2026`.
    month: str
    # What became of the letter.
    note: str
    name: str = ""
    excerpt: Excerpt | None = None


def letter_lines(
    letters: Iterable[Letter],
    now: datetime,
    *,
    names: Mapping[UUID, str] | None = None,
    excerpts: Mapping[UUID, Excerpt] | None = None,
) -> list[LetterLine]:
    """Return the lines of a list, with days and times in the current time zone.

    `names` and `excerpts` are by the letters' ids.
    """
    lines = _Lines(now, names, excerpts)
    return [lines.line(letter) for letter in letters]


def letter_line(letter: Letter, now: datetime) -> LetterLine:
    [line] = letter_lines([letter], now)
    return line


class _Lines:
    """The lines of one list. Words and addresses that they share are looked up once: to do so for
    each line was an eighth of the shelf."""

    def __init__(
        self,
        now: datetime,
        names: Mapping[UUID, str] | None,
        excerpts: Mapping[UUID, Excerpt] | None,
    ) -> None:
        self.now, self.names, self.excerpts = now, names, excerpts
        self.shelf = reverse("journal:shelf")
        self.days = LocalDays()
        self.kind = cache(lambda key: str(KINDS[key].title) if key in KINDS else "")
        self.note = cache(lambda state: str(NOTES[state]))

    def line(self, letter: Letter) -> LetterLine:
        state = self.state(letter)
        is_gone = state == Letter.State.GONE
        address = f"{self.shelf}{letter.pk}/"
        return LetterLine(
            address=reverse("journal:remove_line", args=[letter.pk]) if is_gone else address,
            is_gone=is_gone,
            icon=ICONS.get(state, "letter"),
            title=f"{self.kind(letter.kind)}, {self.days.day(letter.created_at)}",
            month=self.days.month(letter.changed_at),
            note=self.note(state) % _days(letter, state),
            name=self.names.get(letter.pk, "") if self.names else "",
            excerpt=self.excerpts.get(letter.pk) if self.excerpts else None,
        )

    def state(self, letter: Letter) -> str:
        """`ready` for a sealed letter whose day has come; `gone` as soon as a letter that was let
        go can no longer be brought back, even where the task that empties it has not run yet."""
        if letter.is_sealed and letter.is_ready(timezone.localdate(self.now)):
            return "ready"
        if letter.bring_back_until and letter.bring_back_until <= self.now:
            return Letter.State.GONE.value
        return letter.state


def _days(letter: Letter, state: str) -> dict[str, str]:
    """Return what the note about this state says in days and times."""
    if state == Letter.State.KEPT:
        return {}
    if state == Letter.State.DRAFT:
        return {"at": day_and_time(letter.changed_at)}
    if letter.opens_on and state in (Letter.State.SEALED, "ready"):
        return {"opens": day(letter.opens_on)}
    if letter.let_go_at and state == Letter.State.GONE:
        return {"left": day(letter.let_go_at)}
    if until := letter.bring_back_until:
        return {"until": time_of_day(until)}
    return {}
