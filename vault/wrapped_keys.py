"""Person keys as they are stored: wrapped by a master key (ADR 5).

What wraps a key is given the ring of `vault.primary_key_check.sealing_ring`.
"""

from datetime import datetime
from typing import Any, ClassVar, Self
from uuid import UUID

from django.conf import settings
from django.db import models

from vault.key_ring import KeyRing, ring
from vault.sealing import CannotOpen, PersonKey

BATCH_SIZE = 500


class KeyQuerySet(models.QuerySet["Key"]):
    def without_fingerprint(self) -> Self:
        """Keys stored by an earlier version and not opened since."""
        return self.filter(fingerprint="")

    def next_batch(self, after: UUID | None) -> list["Key"]:
        keys = self.order_by("pk") if after is None else self.order_by("pk").filter(pk__gt=after)
        return list(keys[:BATCH_SIZE])

    def by_master_key(self) -> dict[tuple[str, str], int]:
        """Count the keys by the name and the fingerprint of the master key that wrapped them."""
        rows = self.values_list("kek", "fingerprint").annotate(models.Count("pk"))
        return {(name, fingerprint): count for name, fingerprint, count in rows.order_by("kek")}


class UsedName(models.Model):
    """The master key that has sealed under a name by which no person's key is wrapped yet."""

    name = models.CharField(max_length=40, primary_key=True)
    fingerprint = models.CharField(max_length=32)

    objects: ClassVar[Any] = models.Manager()

    def __str__(self) -> str:
        return self.name


class Key(models.Model):
    """A person's key, wrapped by the master key named in `kek`."""

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="wrapped_key"
    )
    kek = models.CharField(max_length=40)
    # Of that master key. Empty if an earlier version stored the row and it was not opened since.
    fingerprint = models.CharField(max_length=32, default="", db_default="")
    wrapped = models.BinaryField()
    created_at = models.DateTimeField()

    objects: ClassVar[Any] = KeyQuerySet.as_manager()

    def __str__(self) -> str:
        return f"key of {self.owner_id}"

    @classmethod
    def make(cls, owner_id: UUID, sealing_ring: KeyRing, *, now: datetime) -> Self:
        """Create a new key for this person."""
        key = cls(owner_id=owner_id, created_at=now)
        key._set_wrapped(sealing_ring.new_person_key(owner_id), sealing_ring)
        key.save(force_insert=True)
        return key

    def unwrap(self) -> PersonKey:
        """Raises CannotOpen if no master key opens it."""
        return ring().unwrap(self.owner_id, self.kek, self.wrapped)

    def opens(self) -> bool:
        """Whether `unwrap` returns a key."""
        try:
            self.unwrap()
        except CannotOpen:
            return False
        return True

    def rewrap(self, sealing_ring: KeyRing) -> None:
        """Wrap the same key by the primary master key. Raises CannotOpen if none opens it."""
        wrapped = sealing_ring.rewrap(self.owner_id, self.kek, self.wrapped)
        self._set_wrapped(wrapped, sealing_ring)
        self.save(update_fields=["wrapped", "kek", "fingerprint"])

    def _set_wrapped(self, wrapped: bytes, sealing_ring: KeyRing) -> None:
        self.wrapped = wrapped
        self.kek, self.fingerprint = sealing_ring.primary, sealing_ring.primary_fingerprint
