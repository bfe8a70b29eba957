"""When each kind of letter was last written, by where it is begun at the desk."""

from datetime import datetime

from accounts.models import User
from journal.letter_kinds import EVENINGS_KEY, KINDS
from journal.shelf_letters import ShelfLetters


def latest_letters(person: User, now: datetime) -> dict[str, datetime]:
    """Return each of `letter_kinds.BEGINNINGS` with when its newest letter was changed.

    Lines of letters that are gone have no kind any more. Takes one statement.
    """
    latest: dict[str, datetime] = {}
    for key, changed_at in ShelfLetters(person, now, fields=()).latest_by_kind().items():
        if kind := KINDS.get(key):
            begun_at = EVENINGS_KEY if kind.is_evening else key
            latest[begun_at] = max(changed_at, latest.get(begun_at, changed_at))
    return latest
