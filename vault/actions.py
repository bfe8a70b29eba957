from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from vault.models import Key
from vault.sealing import CannotOpen, ring

BATCH = 500


@dataclass
class Rewrapped:
    done: int = 0
    closed: int = 0


def rewrap(*, dry_run: bool = False) -> Rewrapped:
    """Wrap every person's key by the primary master key, a batch per transaction.

    May be stopped anywhere and run again, also by two at once: what is done is done, and rows that
    another run holds are left to it. Keys that no master key opens are counted and left alone.
    """
    result = Rewrapped()
    after: UUID | None = None
    while batch := _rewrap_batch(after, result, dry_run=dry_run):
        after = batch
    return result


@transaction.atomic
def _rewrap_batch(after: UUID | None, result: Rewrapped, *, dry_run: bool) -> UUID | None:
    """One batch of keys behind `after`; the last owner looked at, or None at the end."""
    waiting = Key.objects.exclude(kek=ring().primary).order_by("owner_id")
    if after is not None:
        waiting = waiting.filter(owner_id__gt=after)
    last = None
    for key in waiting.select_for_update(skip_locked=True)[:BATCH]:
        last = key.owner_id
        try:
            key.unwrap() if dry_run else key.rewrap()
        except CannotOpen:
            result.closed += 1
        else:
            result.done += 1
    return last
