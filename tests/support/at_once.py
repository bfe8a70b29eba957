"""Two or more requests at once, on real connections: one waits to commit until the others wait."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from tests.support.waiting import wait_for

# Sessions that wait for a lock, if any of them waits for this one.
WAITING = """
SELECT CASE WHEN bool_or(pg_backend_pid() = ANY(pg_blocking_pids(pid))) THEN count(*) ELSE 0 END
FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@contextmanager
def hold_locks_until_awaited(by: int = 1) -> Iterator[None]:
    """Run the block in a transaction, and commit it once `by` other sessions wait for its locks."""
    with transaction.atomic():
        yield
        with connection.cursor() as cursor:

            def do_they_wait() -> bool:
                # A transaction would see the same snapshot of the statistics each time.
                cursor.execute("SELECT pg_stat_clear_snapshot()")
                cursor.execute(WAITING)
                return bool(cursor.fetchone()[0] >= by)

            wait_for(do_they_wait, f"{by} others waiting for a lock", every=0.005)
