"""Letters from before they had a state."""

from datetime import datetime
from uuid import uuid4

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from accounts.models import User
from journal.models import Letter, LetterContents
from vault.sealing import pack

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE = [("journal", "0002_one_index_by_owner")]


def test_letters_without_a_state_become_kept_letters_to_them(alice: User, now: datetime) -> None:
    id = uuid4()
    data = pack({"to": "M.", "body": "It rained."})
    MigrationExecutor(connection).migrate(BEFORE)
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO journal_letter (id, owner_id, sealed, scheme, created_at, changed_at)"
                " VALUES (%s, %s, %s, 1, %s, %s)",
                [id, alice.pk, alice.key.seal("journal.letter", id, data), now, now],
            )
    finally:
        # To the newest: a migration left out makes /readyz answer 503 in later tests.
        executor = MigrationExecutor(connection)
        executor.migrate(executor.loader.graph.leaf_nodes())

    letter = Letter.objects.get()
    assert (letter.state, letter.kind, letter.version) == ("kept", "them", 1)
    assert letter.open(alice.key) == LetterContents("M.", "It rained.")
