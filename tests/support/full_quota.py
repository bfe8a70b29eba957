"""Fill what a person may store, with rows that cannot be opened."""

from django.db import connection

from accounts.models import User
from journal.models import Opening
from vault.storage_quota import MAX_BYTES, MAX_ROWS

FILL = """
INSERT INTO journal_opening (id, owner_id, sealed, scheme, created_at, changed_at, kind)
SELECT gen_random_uuid(), %s, convert_to(repeat('x', %s), 'UTF8'), 1, now(), now(), 'them'
FROM generate_series(1, %s)
"""
MEGABYTE = 1_000_000


def fill_rows(person: User, rows: int = MAX_ROWS) -> None:
    _fill(person, rows, 0)


def fill_bytes(person: User, size: int = MAX_BYTES) -> None:
    _fill(person, size // MEGABYTE, MEGABYTE)


def empty(person: User) -> None:
    """Delete what filled it."""
    Opening.objects.of(person).delete()


def _fill(person: User, rows: int, size: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(FILL, [person.pk, size, rows])
