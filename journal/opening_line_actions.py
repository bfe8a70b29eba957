from datetime import datetime

from django.db import transaction

from accounts.models import User
from journal.models import Opening, OpeningContents

# How many first lines of their own a person may have for each kind of letter.
MAX_OPENINGS = 12


class TooManyOpenings(Exception):
    pass


@transaction.atomic
def add_opening(*, person: User, kind: str, text: str, now: datetime) -> None:
    """Save a first line for this kind of letter. Raises CannotOpen and TooManyOpenings."""
    # A second click must see the line that the first one saved: lock the person.
    User.objects.lock_row(person.pk)
    rows = list(Opening.objects.of(person).filter(kind=kind))
    if any(row.opens(person.key) and row.open(person.key).text == text for row in rows):
        return
    if len(rows) >= MAX_OPENINGS:
        raise TooManyOpenings
    Opening.sealed_by(person.key, OpeningContents(text), kind=kind, now=now).save(force_insert=True)
