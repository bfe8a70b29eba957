"""The base of every model that stores what people write (ADR 5, ADR 25)."""

import dataclasses
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, Self, TypeVar
from uuid import UUID, uuid4

from django.conf import settings
from django.db import IntegrityError, models, transaction
from psycopg.errors import UniqueViolation

from vault.primary_key_check import sealing_ring
from vault.sealing import CannotOpen, PersonKey, pack, unpack
from vault.sessions import Session
from vault.wrapped_keys import Key, UsedName

# Django looks for models in this module.
__all__ = ["Key", "Sealed", "SealedQuerySet", "Session", "UsedName"]


class Dataclass(Protocol):
    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]


Contents = TypeVar("Contents", bound=Dataclass)


class SealedQuerySet(models.QuerySet[Any]):
    def of(self, owner: Any) -> Self:
        """The rows of this person. Every query starts here (ADR 6)."""
        return self.filter(owner=owner)


if TYPE_CHECKING:

    class HasContents(models.Model, Generic[Contents]):
        class Meta:
            abstract = True

else:
    # At runtime Generic must not be a base of a model: makemigrations would write it into the
    # migration of each new subclass, and that migration fails.
    class HasContents(models.Model):
        class Meta:
            abstract = True

        def __class_getitem__(cls, contents):
            return cls


class Sealed(HasContents[Contents]):
    """What a person wrote, one sealed blob per row: `class Letter(Sealed[LetterContents])`.

    A subclass names its contents (a frozen dataclass of JSON values), its purpose, and an index
    that begins with the owner. Only what sorting and counting need is stored in plain columns.
    """

    SCHEME: ClassVar[int] = 1

    contents_class: ClassVar[type[Any]]
    purpose: ClassVar[str]
    # The columns that name the page a row was written on.
    page_fields: ClassVar[tuple[str, ...]] = ()

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
    def sealed_by(cls, key: PersonKey, contents: Contents, *, now: datetime, **plain: Any) -> Self:
        """Return a new, unsaved row of the key's owner. `plain` are its other columns."""
        row = cls(owner_id=key.owner, created_at=now, **plain)
        row.seal(key, contents, now=now)
        return row

    @classmethod
    def save_once(
        cls,
        key: PersonKey,
        contents: Contents,
        *,
        id: UUID,
        now: datetime,
        update: Callable[[Self], None],
        **plain: Any,
    ) -> Self:
        """Save what was written on the page with this id, and return the row.

        The row's own id is derived from it by the person's key: whatever id somebody sends, the
        rows of others make no difference. The same POST sent twice makes one row. Sent again with
        other contents, it passes the saved row to `update`.
        """
        row_id = key.derive_id(cls.purpose, id)
        row = cls.sealed_by(key, contents, now=now, id=row_id, **plain)
        # An earlier release saved under the id of the page.
        is_earlier = cls._default_manager.filter(pk=id, owner=key.owner).exists()
        # Insert first: a repeated POST is rare, and without one nothing needs to be opened.
        if not is_earlier and row.insert_if_new():
            return row
        with transaction.atomic():
            saved = row._lock_saved(id if is_earlier else row_id)
            if saved is not None and saved.opens(key):
                if saved.open(key) != contents:
                    update(saved)
                return saved
        # The id belongs to another page, so we never gave it out for this one; or its row cannot be
        # opened, and must not be overwritten. Save under a fresh id.
        return cls.save_once(key, contents, id=uuid4(), now=now, update=update, **plain)

    def _lock_saved(self, id: UUID) -> Self | None:
        """Lock the saved row of this id, and of this row's person and page.

        Its other columns may differ: the page may have been reworded since.
        """
        rows = type(self)._default_manager.select_for_update()
        same_page = {name: getattr(self, name) for name in self.page_fields}
        return rows.filter(pk=id, owner=self.owner_id, **same_page).first()

    def insert_if_new(self) -> bool:
        """Insert this row, or return False and change nothing if there is one with its id."""
        # A failed INSERT would abort the transaction it is in, hence a savepoint. Outside one the
        # INSERT is atomic by itself, and needs no BEGIN and COMMIT.
        in_transaction = transaction.get_connection().in_atomic_block
        try:
            with transaction.atomic() if in_transaction else nullcontext():
                self.save(force_insert=True)
        except IntegrityError as error:
            if not isinstance(error.__cause__, UniqueViolation):
                raise
            return False
        return True

    def reseal(self, key: PersonKey, contents: Contents, *, now: datetime) -> None:
        """Replace the contents and save."""
        self.seal(key, contents, now=now)
        self.save(update_fields=["sealed", "scheme", "changed_at"])

    def seal(self, key: PersonKey, contents: Contents, *, now: datetime) -> None:
        """Replace the contents; the caller saves. Raises CannotSeal."""
        sealing_ring()
        data = pack(dataclasses.asdict(contents))
        self.sealed = key.seal(self.purpose, self.id, data)
        self.scheme = self.SCHEME
        self.changed_at = now

    def opens(self, key: PersonKey) -> bool:
        """Whether `open` returns contents."""
        try:
            self.open(key)
        except CannotOpen:
            return False
        return True

    def open(self, key: PersonKey) -> Contents:
        """Return what was written. Raises CannotOpen under any other key, owner, purpose or row."""
        if self.scheme != self.SCHEME or self.owner_id != key.owner:
            raise CannotOpen
        data = key.open(self.purpose, self.id, self.sealed)
        contents: Contents = self.contents_class(**unpack(data))
        return contents
