"""Letters from before they had a state."""

from datetime import datetime
from uuid import uuid4

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from accounts.models import User
from journal.models import Ended, Letter, LetterContents
from vault.sealing import pack

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE = [("journal", "0002_one_index_by_owner")]
READABLE_IDS = [("journal", "0004_letters_that_are_gone")]


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


def test_readable_ids_of_ended_letters_are_forgotten(now: datetime) -> None:
    MigrationExecutor(connection).migrate(READABLE_IDS)
    try:
        Ended.objects.create(pk=uuid4(), ended_at=now)
    finally:
        executor = MigrationExecutor(connection)
        executor.migrate(executor.loader.graph.leaf_nodes())

    assert not Ended.objects.exists()
