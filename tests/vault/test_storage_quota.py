"""How much one person may store, and how it is measured."""

from collections.abc import Callable
from datetime import datetime
from uuid import uuid4

import pytest

from accounts import actions as accounts
from accounts.models import Profile, User
from healing.models import Answer, AnswerContents
from journal.models import Opening, OpeningContents, Revision, Words
from tests.support.database import Statements
from tests.support.full_quota import fill_bytes, fill_rows
from tests.support.letters import a_letter
from vault.storage_quota import MAX_BYTES, MAX_ROWS, QuotaExceeded, check_quota, has_grown, measure


def test_everything_sealed_of_one_person_is_measured_in_one_statement(
    alice: User, bob: User, now: datetime, statements: Statements
) -> None:
    for person in (alice, bob):
        letter = a_letter(person, "words", now=now)
        rows = [letter, Revision.add(person, letter, Words("", "before"), now=now)]
        answer = AnswerContents({"line": "words"})
        plain = {"step": 1, "exercise": "waves", "version": "1"}
        rows.append(Answer.sealed_by(person.key, answer, now=now, id=uuid4(), **plain))
        rows.append(Opening.sealed_by(person.key, OpeningContents("Since"), kind="them", now=now))
        for row in rows[2:]:
            row.save(force_insert=True)
        accounts.save_preferences(
            person=person, name="Al", language="en", checks_spelling=False, now=now
        )
        rows.append(Profile.objects.of(person).get())

    with statements() as asked:
        use = measure(bob.pk)

    assert (use.rows, use.bytes) == (5, sum(len(row.sealed) for row in rows))
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("fill", "limit", "unit"),
    [(fill_rows, MAX_ROWS, 1), (fill_bytes, MAX_BYTES, 1_000_000)],
    ids=["rows", "bytes"],
)
def test_quota_is_nearly_full_from_four_fifths_on(
    alice: User, bob: User, fill: Callable[[User, int], None], limit: int, unit: int
) -> None:
    def state() -> tuple[bool, bool]:
        use = measure(alice.pk)
        return use.is_nearly_full, use.is_full

    assert state() == (False, False)
    fill(alice, limit * 4 // 5 - unit)
    assert state() == (False, False)
    fill(alice, unit)
    assert state() == (True, False)
    fill(alice, limit // 5)
    assert state() == (True, True)
    with pytest.raises(QuotaExceeded):
        check_quota(alice.pk)
    assert check_quota(bob.pk) == (0, 0)


def test_growth_is_measured_every_four_thousand_bytes() -> None:
    assert not has_grown(0, 4095)
    assert has_grown(4095, 4096)
    assert not has_grown(4096, 4096)
    assert not has_grown(9000, 100)
