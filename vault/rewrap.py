from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from vault.primary_key_check import sealing_ring
from vault.sealing import CannotOpen
from vault.wrapped_keys import BATCH_SIZE, Key


@dataclass
class RewrapCount:
    rewrapped: int = 0
    # Keys that no master key opens.
    unreadable: int = 0


def rewrap(*, dry_run: bool = False) -> RewrapCount:
    """Wrap every person's key by the primary master key, one batch per transaction.

    May be stopped at any time, run again, and run concurrently: finished batches are committed, and
    rows locked by another run are skipped. Unreadable keys are counted and left unchanged.

    Raises CannotSeal, and then changes nothing.
    """
    count = RewrapCount()
    last: UUID | None = None
    while batch_end := _rewrap_batch(last, count, dry_run=dry_run):
        last = batch_end
    return count


@transaction.atomic
def _rewrap_batch(after: UUID | None, count: RewrapCount, *, dry_run: bool) -> UUID | None:
    """Rewrap one batch of keys and return its last owner, or None if no keys were left."""
    keys = Key.objects.exclude(kek=sealing_ring().primary).order_by("owner_id")
    if after is not None:
        keys = keys.filter(owner_id__gt=after)
    last = None
    for key in keys.select_for_update(skip_locked=True)[:BATCH_SIZE]:
        last = key.owner_id
        try:
            key.unwrap() if dry_run else key.rewrap(sealing_ring())
        except CannotOpen:
            count.unreadable += 1
        else:
            count.rewrapped += 1
    return last
