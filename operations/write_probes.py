"""Whether what must be written can be: real writes to the database and to a disk of ours.

/readyz is public and a write costs something: each process tries at most twice a minute.
"""

import errno
import tempfile
from datetime import UTC, datetime
from functools import lru_cache
from uuid import uuid4

from django.db import DatabaseError, connection, transaction

from mail.models import Heartbeat

SECONDS = 30
# A row is written and deleted, so that a GET changes nothing. Two processes may do so at once.
ROW = f"write probe {uuid4()}"[:40]
# What does not fit into this memory, Postgres writes into a temporary file: a row alone may find
# room in a page that is already on its disk.
LITTLE_MEMORY = "SET LOCAL work_mem = '64kB'"
WRITE_A_MEGABYTE = "SELECT count(*) FROM generate_series(1, 60000)"
MEGABYTE = bytes(2**20)

OK = "ok"
FULL = "the disk is full"
READ_ONLY = "it is read-only"
# By SQLSTATE.
DATABASE_CAUSES = {"53100": FULL, "25006": READ_ONLY}
DISK_CAUSES = {errno.ENOSPC: FULL, errno.EDQUOT: FULL, errno.EROFS: READ_ONLY}


def database(now: datetime) -> str:
    return _write_to_database(_period(now))


def disk(now: datetime) -> str:
    return _write_to_disk(_period(now))


def named(error: DatabaseError) -> str | None:
    """Return the cause of an error in plain words, or None if we have none for it."""
    return DATABASE_CAUSES.get(getattr(error.__cause__, "sqlstate", None) or "")


def _period(now: datetime) -> int:
    return int(now.timestamp() // SECONDS)


@lru_cache(maxsize=1)
def _write_to_database(period: int) -> str:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(LITTLE_MEMORY)
            cursor.execute(WRITE_A_MEGABYTE)
            row = Heartbeat.objects.create(
                name=ROW, at=datetime.fromtimestamp(period * SECONDS, UTC)
            )
            row.delete()
    except DatabaseError as error:
        return named(error) or f"cannot be written ({type(error).__name__})"
    return OK


@lru_cache(maxsize=1)
def _write_to_disk(period: int) -> str:
    try:
        with tempfile.TemporaryFile() as file:
            file.write(MEGABYTE)
            file.flush()
    except OSError as error:
        return DISK_CAUSES.get(error.errno or 0) or f"cannot be written ({type(error).__name__})"
    return OK
