import dataclasses
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime
from typing import Any, ClassVar, Self
from uuid import UUID, uuid4

from django.conf import settings
from django.db import IntegrityError, models, transaction
from psycopg.errors import UniqueViolation

from vault.sealing import CannotOpen, PersonKey, pack, ring, unpack
from vault.sessions import Session  # noqa: F401 - Django looks for models in this module
from vault.statements import insert_of


class Key(models.Model):
    """One person's key, wrapped by the master key named in `kek`."""

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="wrapped_key"
    )
    kek = models.CharField(max_length=40)
    wrapped = models.BinaryField()
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"key of {self.owner_id}"

    @classmethod
    def make(cls, owner_id: UUID, *, now: datetime) -> Self:
        """A new key for this person, stored."""
        wrapped = ring().new_person_key(owner_id)
        return cls.objects.create(
            owner_id=owner_id, kek=ring().primary, wrapped=wrapped, created_at=now
        )

    def unwrap(self) -> PersonKey:
        """Raises CannotOpen."""
        return ring().unwrap(self.owner_id, self.kek, self.wrapped)

    def rewrap(self) -> None:
        """Wrap by the primary master key. What it sealed stays as it is. Raises CannotOpen."""
        self.wrapped = ring().rewrap(self.owner_id, self.kek, self.wrapped)
        self.kek = ring().primary
        self.save(update_fields=["wrapped", "kek"])


class SealedQuerySet(models.QuerySet[Any]):
    def of(self, owner: Any) -> Self:
        """The rows of this person. Every query starts here."""
        return self.filter(owner=owner)


class Sealed(models.Model):
    """What a person wrote, one sealed blob per row.

    A subclass names its contents (a frozen dataclass of JSON values) and its purpose. Only what
    sorting and counting need stays in plain columns. Its index begins with the owner.
    """

    SCHEME: ClassVar[int] = 1

    contents_class: ClassVar[type[Any]]
    purpose: ClassVar[str]
    # The columns that name the page a row was written on.
    page: ClassVar[tuple[str, ...]] = ()

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False
    )
    sealed = models.BinaryField()
    scheme = models.PositiveSmallIntegerField(default=SCHEME)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self._meta.model_name} {self.pk}"

    @classmethod
    def sealed_by(cls, key: PersonKey, contents: Any, *, now: datetime, **plain: Any) -> Self:
        """A new row of the key's owner, not yet stored."""
        row = cls(owner_id=key.owner, created_at=now, **plain)
        row.seal(key, contents, now=now)
        return row

    @classmethod
    def keep_once(
        cls,
        key: PersonKey,
        contents: Any,
        *,
        id: UUID,
        now: datetime,
        again: Callable[[Self], None],
        **plain: Any,
    ) -> Self:
        """Store what was written under the id that its page was given, and return the row.

        Sent twice it stays one row as it is; sent again with other words, `again` puts the newer
        words into it.
        """
        row = cls.sealed_by(key, contents, now=now, id=id, **plain)
        # Nearly always there is none of this id yet, and nothing else to be asked.
        if row.store_anew():
            return row
        with transaction.atomic():
            kept = row._kept_before()
            if kept is not None and kept.opens(key):
                if kept.open(key) != contents:
                    again(kept)
                return kept
        # The row of another person or another page, so the id never came from ours; or one that
        # does not open, which nothing is written over. Take a fresh one.
        return cls.keep_once(key, contents, id=uuid4(), now=now, again=again, **plain)

    def _kept_before(self) -> Self | None:
        """The row of this id, person and page, which nobody else changes meanwhile. What else is in
        it may differ: the page may have been worded anew since."""
        rows = type(self)._default_manager.select_for_update()
        same = {name: getattr(self, name) for name in self.page}
        return rows.filter(pk=self.pk, owner=self.owner_id, **same).first()

    def store_anew(self) -> bool:
        """Store a new row; False where there is one of its id already, and nothing is changed."""
        # By itself it is one statement, all or nothing; among others it must not spoil them.
        among_others = transaction.get_connection().in_atomic_block
        try:
            with transaction.atomic() if among_others else nullcontext():
                insert_of(type(self)).store(self)
        except IntegrityError as error:
            if not isinstance(error.__cause__, UniqueViolation):
                raise
            return False
        return True

    def reseal(self, key: PersonKey, contents: Any, *, now: datetime) -> None:
        """Put other contents into this row and store it."""
        self.seal(key, contents, now=now)
        self.save(update_fields=["sealed", "scheme", "changed_at"])

    def seal(self, key: PersonKey, contents: Any, *, now: datetime) -> None:
        """Put other contents into this row; the caller stores it."""
        data = pack(dataclasses.asdict(contents))
        self.sealed = key.seal(self.purpose, self.id, data)
        self.scheme = self.SCHEME
        self.changed_at = now

    def opens(self, key: PersonKey) -> bool:
        try:
            self.open(key)
        except CannotOpen:
            return False
        return True

    def open(self, key: PersonKey) -> Any:
        """What was written. Raises CannotOpen; never returns anything else instead."""
        if self.scheme != self.SCHEME or self.owner_id != key.owner:
            raise CannotOpen
        data = key.open(self.purpose, self.id, self.sealed)
        return self.contents_class(**unpack(data))
