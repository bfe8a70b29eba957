from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.cache.backends.db import DatabaseCache
from django.db import DatabaseError, IntegrityError, connections

from config.cache_router import CACHE


class StrictDatabaseCache(DatabaseCache):
    """Raises what keeps a count from being written, such as a full disk.

    Django's own reports it as if the key existed, or not at all: a rate limit would tell people to
    wait, or let everyone pass.
    """

    def add(self, *arguments: Any, **more: Any) -> bool:
        with _failures_raised():
            return bool(super().add(*arguments, **more))

    def set(self, *arguments: Any, **more: Any) -> None:
        with _failures_raised():
            super().set(*arguments, **more)

    def touch(self, *arguments: Any, **more: Any) -> bool:
        with _failures_raised():
            return bool(super().touch(*arguments, **more))


@contextmanager
def _failures_raised() -> Iterator[None]:
    """Raise again what the block has caught; but two requests may add the same key."""
    failures: list[DatabaseError] = []

    def execute_and_note(execute: Callable[..., Any], *statement: Any) -> Any:
        try:
            return execute(*statement)
        except IntegrityError:
            raise
        except DatabaseError as error:
            failures.append(error)
            raise

    with connections[CACHE].execute_wrapper(execute_and_note):
        yield
    if failures:
        raise failures[0]
