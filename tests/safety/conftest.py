from collections.abc import Iterator

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from tests.conftest import Client


@pytest.fixture
def visitor() -> Client:
    """Somebody without an account. Without the `db` fixture, any statement fails the test."""
    return Client(raise_request_exception=False)


@pytest.fixture
def database_down(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Nobody listens where the database was."""
    where = connection.settings_dict
    kept = {name: where[name] for name in ("HOST", "PORT")}
    with django_db_blocker.unblock():
        connection.close()
        where.update(HOST="127.0.0.1", PORT="1")
        yield
        connection.close()
        where.update(kept)
