"""The check that comes before anything is sealed (ADR 5).

A master key that was made a second time under the same name would seal what never opens once the
right one is back. So nothing is sealed while a key that is stored under the primary's name does not
open, or while none is stored and another master key has sealed under that name. Each stored key
carries the fingerprint of the master key that wrapped it, so that one statement tells whether all
of them fit. A few damaged keys of an earlier version, which stored no fingerprints, stop nobody
else.
"""

import logging
from collections import Counter, defaultdict
from uuid import UUID

from vault.key_ring import KeyRing, ring
from vault.sealing import CannotOpen
from vault.wrapped_keys import Key, UsedName

logger = logging.getLogger(__name__)

# The primary keys, by name and fingerprint, that this process has found to open what is stored.
_verified: set[tuple[str, str]] = set()


class CannotSeal(CannotOpen):
    """The primary master key does not open what is stored under its name, so it must not seal."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Nothing is saved: “{name}”, the first of VAULT_KEYS, is not the key that wrapped all "
            "keys stored under this name, or the one that sealed first under it. Put the old key "
            "back; if two were used, put a new key with a name of its own first."
        )


def sealing_ring() -> KeyRing:
    """Return the key ring for sealing; `vault.key_ring.ring` is for opening.

    Raises CannotSeal while a key that is stored under the primary's name does not open.
    """
    master_keys = ring()
    primary = master_keys.primary, master_keys.primary_fingerprint
    if primary not in _verified:
        stored = _stored_keys(master_keys)
        under_name = _by_fingerprint(stored, master_keys.primary)
        is_new_name = stored and not under_name
        if _is_wrong(master_keys, under_name) or (is_new_name and _is_taken(master_keys)):
            logger.error("the first of VAULT_KEYS is not the key it was: put the old key back")
            raise CannotSeal(master_keys.primary)
        if under_name[""]:
            logger.error("some keys under the name of the first of VAULT_KEYS do not open")
        # While nobody has a key, another process may still wrap the first one by its master key.
        if stored:
            _verified.add(primary)
    return master_keys


def _stored_keys(master_keys: KeyRing) -> dict[tuple[str, str], int]:
    """Count the stored keys by name and fingerprint: an empty one if they were stored by an earlier
    version and do not open."""
    stored = Key.objects.by_master_key()
    if any(not fingerprint for _name, fingerprint in stored):
        _record_fingerprints(master_keys)
        stored = Key.objects.by_master_key()
    return stored


def _by_fingerprint(stored: dict[tuple[str, str], int], name: str) -> Counter[str]:
    under_name = ((each, count) for (other, each), count in stored.items() if other == name)
    return Counter(dict(under_name))


def _is_wrong(master_keys: KeyRing, stored: Counter[str]) -> bool:
    if set(stored) - {master_keys.primary_fingerprint, ""}:
        return True
    # A row that does not open may be damaged, or wrapped by another key of this name. Most of them
    # are not damaged at once.
    return stored[""] > stored[master_keys.primary_fingerprint]


def _is_taken(master_keys: KeyRing) -> bool:
    """Whether another key has sealed under the primary's name before any person's key was wrapped
    by it: sessions, forms that wait, and mail. If none has, the name is this one's from now on."""
    used, _is_new = UsedName.objects.get_or_create(
        name=master_keys.primary, defaults={"fingerprint": master_keys.primary_fingerprint}
    )
    return bool(used.fingerprint != master_keys.primary_fingerprint)


def _record_fingerprints(master_keys: KeyRing) -> None:
    """Open the keys that have no fingerprint, and record by which master key."""
    last: UUID | None = None
    while batch := Key.objects.without_fingerprint().next_batch(last):
        opened = defaultdict(list)
        for key in batch:
            if key.opens():
                opened[key.kek].append(key.pk)
        for name, owners in opened.items():
            # Another process may have wrapped them by another master key meanwhile.
            keys = Key.objects.without_fingerprint().filter(kek=name, pk__in=owners)
            keys.update(fingerprint=master_keys.fingerprints[name])
        last = batch[-1].pk
