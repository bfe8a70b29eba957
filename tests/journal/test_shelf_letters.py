from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection

from accounts.models import User
from journal.models import BRING_BACK_FOR, Letter
from journal.shelf_letters import ShelfLetters
from tests.support.database import Statements
from tests.support.letters import a_draft, a_letter

# As many people with one letter each as make Postgres prefer an index.
MANY_LETTERS = """
INSERT INTO journal_letter (id, owner_id, sealed, scheme, created_at, changed_at, kind, state,
    version, turn, let_go_from, leaves_line)
SELECT gen_random_uuid(), gen_random_uuid(), '', 1, now(), now(), 'them', 'kept', 1, 0, '', false
FROM generate_series(1, 2000)
"""


def ids(letters: list[Letter]) -> list[UUID]:
    return [letter.pk for letter in letters]


@pytest.mark.parametrize("leaves_line", [True, False])
@pytest.mark.parametrize("state", ["draft", "kept", "sealed", "let_go", "gone"])
@pytest.mark.parametrize("age", [BRING_BACK_FOR - timedelta(seconds=1), BRING_BACK_FOR])
def test_shelf_has_what_is_visible_and_the_lines_that_were_left(
    alice: User, now: datetime, state: str, leaves_line: bool, age: timedelta
) -> None:
    plain = {"let_go_at": now - age} if state in ("let_go", "gone") else {}
    letter = a_letter(alice, now=now, opens_on=now.date(), leaves_line=leaves_line, **plain)
    sealed = {"sealed": b""} if state == "gone" else {}
    Letter.objects.filter(pk=letter.pk).update(state=state, **sealed)

    shelf = ShelfLetters(alice, now, fields=[])
    is_visible = Letter.objects.visible_to(alice, now).exists()

    letter.refresh_from_db()
    assert letter.is_visible(now) == is_visible
    assert bool(shelf[:1]) == bool(shelf.count()) == (is_visible or leaves_line or state == "gone")


def test_shelf_is_a_list_of_one_person(alice: User, bob: User, now: datetime) -> None:
    a_letter(bob, now=now)
    newest_first = [a_letter(alice, now=now - timedelta(days=day)) for day in range(5)]
    draft = a_draft(alice, now=now - timedelta(days=9), kind="then")

    shelf = ShelfLetters(alice, now, fields=[])
    drafts = ShelfLetters(alice, now, fields=[], states=[Letter.State.DRAFT], kind="then")

    assert ids(shelf[:]) == [*ids(newest_first), draft.pk]
    assert ids(shelf[2:4]) == ids(newest_first[2:4])
    assert (ids(shelf[8:9]), ids(shelf[:0]), shelf.count()) == ([], [], 6)
    assert (ids(drafts[:3]), drafts.count()) == ([draft.pk], 1)


def test_shelf_reads_no_other_column(alice: User, now: datetime, statements: Statements) -> None:
    letter = a_letter(alice, now=now)

    with statements() as sent:
        [row] = ShelfLetters(alice, now, fields=["kind", "changed_at", "owner"])[:1]
        values = (row.pk, row.kind, row.changed_at, row.owner_id)

    assert values == (letter.pk, letter.kind, now, alice.pk)
    assert len(sent) == 1
    assert "sealed" not in row.__dict__


def test_letter_is_found_by_its_id_not_among_all_of_its_owner(db: None) -> None:
    """A person with thousands of letters must not wait for each of them on every page."""
    with connection.cursor() as cursor:
        cursor.execute(MANY_LETTERS)
        cursor.execute("ANALYZE journal_letter")
        cursor.execute(
            "EXPLAIN (GENERIC_PLAN) SELECT 1 FROM journal_letter WHERE owner_id = $1 AND id = $2"
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())
        # None of them has an owner.
        cursor.execute("DELETE FROM journal_letter")

    assert "journal_letter_pkey" in plan, plan
