"""Delete letters that can no longer be brought back."""

from collections import defaultdict
from datetime import datetime

from django.db import transaction

from journal.letter_actions import delete_letters
from journal.models import EMPTIED, ENDED_IDS_STORED_FOR, Ended, Letter, Revision
from vault.sealing import CannotOpen

# How many letters one run takes.
BATCH_SIZE = 500


@transaction.atomic
def delete_expired(*, now: datetime) -> int:
    """Empty or delete letters that can no longer be brought back. Returns how many.

    Safe to run any number of times at once.
    """
    expired = Letter.objects.expired(now).select_related("owner__wrapped_key").defer("sealed")
    unlocked = expired.select_for_update(of=("self",), skip_locked=True)
    rows = list(unlocked.order_by("let_go_at")[:BATCH_SIZE])
    lines = [row.pk for row in rows if row.leaves_line]
    Revision.objects.filter(letter__in=lines).delete()
    Letter.objects.filter(answers__in=lines).update(answers=None)
    Letter.objects.filter(pk__in=lines).update(state=Letter.State.GONE, **EMPTIED)
    _delete([row for row in rows if not row.leaves_line], now=now)
    Ended.objects.filter(ended_at__lte=now - ENDED_IDS_STORED_FOR).delete()
    return len(rows)


def _delete(letters: list[Letter], *, now: datetime) -> None:
    ids = defaultdict(list)
    for letter in letters:
        ids[letter.owner].append(letter.pk)
    for owner, theirs in ids.items():
        try:
            delete_letters(person=owner, ids=theirs, now=now)
        except CannotOpen:
            # A letter must be gone on time, also while its owner's key cannot be opened.
            Letter.objects.of(owner).filter(pk__in=theirs).delete()
