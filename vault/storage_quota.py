"""How much one person may store (ADR 29)."""

from functools import cache
from typing import NamedTuple
from uuid import UUID

from django.apps import apps
from django.db import connection

from vault.models import Sealed

MAX_ROWS = 20_000
MAX_BYTES = 200_000_000
# People are told from four fifths on.
NEARLY_FULL = 0.8
# An UPDATE is measured each time that its row grows by about this many bytes, so that typing asks
# for one sum in a few thousand characters.
MEASURED_STEP = 4096


class QuotaExceeded(Exception):
    """A person stores as much as they may. Nothing was saved."""


class StorageUse(NamedTuple):
    """What a person stores: sealed rows, and bytes in them."""

    rows: int
    bytes: int

    @property
    def is_full(self) -> bool:
        return self.rows >= MAX_ROWS or self.bytes >= MAX_BYTES

    def has_room_for(self, rows: int, size: int) -> bool:
        return self.rows + rows <= MAX_ROWS and self.bytes + size <= MAX_BYTES

    @property
    def is_nearly_full(self) -> bool:
        return self.rows >= NEARLY_FULL * MAX_ROWS or self.bytes >= NEARLY_FULL * MAX_BYTES


def measure(owner_id: UUID) -> StorageUse:
    """Count what this person stores, in one query.

    Not a counter: its row would be locked by each save. Requests at the same time may exceed a
    limit by one row each, which does no harm.
    """
    tables = _sealed_tables()
    # Only names of our own tables go into the text. octet_length does not read the bytes.
    sums = " UNION ALL ".join(
        f'SELECT count(*) AS rows, sum(octet_length(sealed)) AS bytes FROM "{table}"'  # noqa: S608
        " WHERE owner_id = %s"
        for table in tables
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT sum(rows)::bigint, coalesce(sum(bytes), 0)::bigint FROM ({sums}) AS stored",  # noqa: S608
            [owner_id] * len(tables),
        )
        return StorageUse(*cursor.fetchone())


@cache
def _sealed_tables() -> tuple[str, ...]:
    models = (model for model in apps.get_models() if issubclass(model, Sealed))
    return tuple(model._meta.db_table for model in models)


def has_grown(before: int, after: int) -> bool:
    """Whether to measure again, by the bytes of a row before and after an UPDATE."""
    return after // MEASURED_STEP > before // MEASURED_STEP


def check_quota(owner_id: UUID) -> StorageUse:
    """Return what this person stores. Raises QuotaExceeded."""
    use = measure(owner_id)
    if use.is_full:
        raise QuotaExceeded
    return use
