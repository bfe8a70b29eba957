"""Transactions that start again after Postgres has ended them in favour of another one."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import OperationalError, connection, transaction
from psycopg.errors import DeadlockDetected, SerializationFailure

P = ParamSpec("P")
T = TypeVar("T")

TRIES = 10


def lost_to_another_transaction(error: Exception) -> bool:
    """Whether Postgres has ended a transaction although nothing was wrong with it or the server."""
    return isinstance(error.__cause__, DeadlockDetected | SerializationFailure)


def retried_transaction(function: Callable[P, T]) -> Callable[P, T]:
    """Run a function in a transaction, and once more each time it loses to another one.

    Inside another transaction it runs once: the outer one is lost with it.
    """

    @wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        for _ in range(TRIES - 1):
            try:
                with transaction.atomic():
                    return function(*args, **kwargs)
            except OperationalError as error:
                if connection.in_atomic_block or not lost_to_another_transaction(error):
                    raise
        with transaction.atomic():
            return function(*args, **kwargs)

    return wrapper
