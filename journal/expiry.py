"""Delete letters that can no longer be brought back."""

from contextlib import suppress
from datetime import datetime
from uuid import UUID

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
    deleted = [row for row in rows if not row.leaves_line]
    delete_letters([row.pk for row in deleted], ended=_ended_ids(deleted), now=now)
    Ended.objects.filter(ended_at__lte=now - ENDED_IDS_STORED_FOR).delete()
    return len(rows)


def _ended_ids(letters: list[Letter]) -> list[UUID]:
    ids = []
    for letter in letters:
        # A letter must be gone on time, also while its owner's key cannot be opened.
        with suppress(CannotOpen):
            ids.append(Ended.id_of(letter.owner, letter.pk))
    return ids
