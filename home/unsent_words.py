"""What Today asks about the words of a hard moment, on the next day."""

from dataclasses import dataclass
from datetime import datetime

from accounts.models import User
from pause.models import Pause
from vault.sealing import CannotOpen


@dataclass(frozen=True)
class UnsentWords:
    """A pause whose words nobody has decided about. `was_sent` if they said that they sent it."""

    row: Pause
    was_sent: bool


def unsent_words(person: User, now: datetime) -> UnsentWords | None:
    """Return the oldest, without its words. One statement."""
    row: Pause | None = Pause.objects.of(person).with_words_to_decide(person.zone, now).first()
    if row is None:
        return None
    try:
        return UnsentWords(row, was_sent=row.open(person.key).outcome == "sent")
    except CannotOpen:
        return None
