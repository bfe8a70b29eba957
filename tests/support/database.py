"""Fixtures: the test database, how it is made and emptied, and the statements sent to it."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management.commands.flush import Command as Flush
from django.db import OperationalError, connections, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoDbBlocker

from local.pytest_runs import TEMPLATE_DATABASE

Statements = Callable[[], AbstractContextManager[list[str]]]

# Filled by migrations and the same in every test.
FILLED_BY_MIGRATE = {"django_content_type", "auth_permission"}


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> None:
    """Clone the database that `./dev test` has migrated, where it has."""
    if template := os.environ.get(TEMPLATE_DATABASE):
        settings.DATABASES["default"]["TEST"]["TEMPLATE"] = template


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Close what is still connected when the last test is done: a database in use is not dropped.

    That is the cache's connection, and threads of sites that tests have run.
    """
    yield
    with django_db_blocker.unblock():
        connections["cache"].close()
        # A test that ends database sessions may have ended this one as well.
        connections["default"].close()
        with suppress(OperationalError), connections["default"].cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


@pytest.fixture(scope="session", autouse=True)
def emptied_by_delete() -> Iterator[None]:
    """Delete rows after a transactional test, where Django truncates every table and then creates
    content types and permissions once more, which takes ten times as long.

    Those of the cache too: people and clients are the same in every test, and so rate limits would
    count from one test to the next.
    """

    def delete_rows(command: Flush, **options: object) -> None:
        tables = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
        tables |= {cache["LOCATION"] for cache in settings.CACHES.values() if "LOCATION" in cache}
        with transaction.atomic(), connections["default"].cursor() as cursor:
            for table in sorted(tables - FILLED_BY_MIGRATE):
                cursor.execute(f'DELETE FROM "{table}"')  # noqa: S608 our own tables

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Flush, "handle", delete_rows)
        yield


@pytest.fixture
def database_down(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Nothing listens at the database's address."""
    connection = connections["default"]
    address = {name: connection.settings_dict[name] for name in ("HOST", "PORT")}
    with django_db_blocker.unblock():
        connection.close()
        connection.settings_dict.update(HOST="127.0.0.1", PORT="1")
        yield
        connection.close()
        connection.settings_dict.update(address)


@pytest.fixture
def statements(db: None) -> Statements:
    """Collect the SQL statements of a block, without those that only begin or end a transaction."""

    @contextmanager
    def collect() -> Iterator[list[str]]:
        found: list[str] = []
        with (
            CaptureQueriesContext(connections["default"]) as ours,
            CaptureQueriesContext(connections["cache"]) as cache,
        ):
            yield found
            found += [
                query["sql"]
                for query in ours.captured_queries + cache.captured_queries
                if not query["sql"].startswith(("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT"))
            ]

    return collect
