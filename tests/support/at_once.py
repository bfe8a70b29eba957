"""Two or more requests at once, on real connections: what one does is held till others wait."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, transaction

# They wait for us, or for one who does.
WAITING = """
SELECT CASE WHEN bool_or(pg_backend_pid() = ANY(pg_blocking_pids(pid))) THEN count(*) ELSE 0 END
FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@contextmanager
def first(waiting: int = 1) -> Iterator[None]:
    """What is done inside is not committed before so many others wait at a lock."""
    with transaction.atomic():
        yield
        with connection.cursor() as cursor:
            patience = time.monotonic() + 60
            while time.monotonic() < patience:
                # Within one transaction it would be told the same each time.
                cursor.execute("SELECT pg_stat_clear_snapshot()")
                cursor.execute(WAITING)
                if cursor.fetchone()[0] >= waiting:
                    return
    pytest.fail(f"{waiting} did not wait at once")
