"""The three evenings: three short letters, one a day, and then it is over."""

from dataclasses import dataclass
from datetime import datetime

from accounts.models import User
from journal.letter_kinds import EVENINGS, LetterKind
from journal.models import Letter


@dataclass(frozen=True)
class NextEvening:
    """What can be written now: the draft that is begun, or the next kind; neither if that is for
    another day (`is_over` False), or if all three are written."""

    draft: Letter | None = None
    kind: LetterKind | None = None
    is_over: bool = False


def next_evening(person: User, now: datetime) -> NextEvening:
    """Takes one statement."""
    kinds = [kind.key for kind in EVENINGS]
    letters = Letter.objects.visible_to(person, now).filter(kind__in=kinds)
    written = {letter.kind: letter for letter in letters.only("kind", "state", "created_at")}
    drafts = [letter for letter in written.values() if letter.is_draft]
    if drafts:
        return NextEvening(draft=drafts[0])
    following = next((kind for kind in EVENINGS if kind.key not in written), None)
    if following is None:
        return NextEvening(is_over=True)
    today = now.astimezone(person.zone).date()
    days = {letter.created_at.astimezone(person.zone).date() for letter in written.values()}
    return NextEvening() if today in days else NextEvening(kind=following)
