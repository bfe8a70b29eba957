from typing import Any

from django.db import migrations

TABLES = ("journal_letter", "journal_revision")


def expect_many(table: str) -> migrations.RunSQL:
    """Let Postgres expect a hundred of these rows for each person, whatever it has counted.

    While most people have one letter, it expects one row for an owner as for an id, and may look
    for a letter among all that its owner has. Neither statement keeps others from writing.
    """
    return migrations.RunSQL(
        [f"ALTER TABLE {table} ALTER COLUMN owner_id SET (n_distinct = -0.01)", f"ANALYZE {table}"],
        [f"ALTER TABLE {table} ALTER COLUMN owner_id RESET (n_distinct)", f"ANALYZE {table}"],
    )


class Migration(migrations.Migration):
    dependencies = [("journal", "0005_forget_readable_ids_of_ended_letters")]

    operations: list[Any] = [expect_many(table) for table in TABLES]
