from datetime import datetime
from uuid import uuid4

import pytest

from accounts.models import User
from journal.models import Letter, LetterContents
from tests.conftest import Statements
from tests.support.letters import a_letter
from vault.models import Key
from vault.sessions import Session
from vault.statements import Statement


def test_statement_asks_with_other_values_each_time(alice: User, bob: User) -> None:
    key_of = Statement(lambda owner: Key.objects.filter(owner=owner))

    assert [key_of.first(each.pk) for each in (alice, bob, alice)] == [
        Key.objects.get(owner=each) for each in (alice, bob, alice)
    ]
    assert key_of.first(uuid4()) is None


def test_statement_is_built_once_and_asked_each_time(
    alice: User, bob: User, statements: Statements
) -> None:
    built: list[object] = []

    def make(owner: object) -> object:
        built.append(owner)
        return Key.objects.filter(owner=owner)

    key_of = Statement(make)
    with statements() as asked:
        key_of.first(alice.pk)
        key_of.first(bob.pk)

    assert len(asked) == 2
    assert built == [alice.pk]


def test_row_is_a_stored_one_and_whole(alice: User, now: datetime) -> None:
    kept = a_letter(alice, "b", to="a", now=now)
    row = Statement(lambda owner: Letter.objects.of(owner)).first(alice.pk)

    assert row.open(alice.key) == LetterContents("a", "b")
    assert (row.pk, row.created_at, row._state.adding) == (kept.pk, now, False)


def test_row_brings_whom_it_was_asked_to_bring(
    alice: User, now: datetime, statements: Statements
) -> None:
    Session.objects.create(session_key="hers", owner=alice, session_data="", expire_date=now)
    Session.objects.create(session_key="nobodys", session_data="", expire_date=now)
    by_key = Statement(lambda key: Session.objects.select_related("owner").filter(session_key=key))

    hers, nobodys = by_key.first("hers"), by_key.first("nobodys")

    with statements() as asked:
        assert hers.owner == alice
        assert hers.owner.email == alice.email
        assert nobodys.owner is None
    assert asked == []


def test_values_come_as_they_are(alice: User, bob: User, now: datetime) -> None:
    for many in range(4):
        a_letter(alice, str(many), now=now)
    two = Statement(
        lambda owner: Letter.objects.of(owner).newest_first().values_list("pk", "changed_at")[:2]
    )

    assert two.rows(alice.pk) == list(
        Letter.objects.of(alice).newest_first().values_list("pk", "changed_at")[:2]
    )
    assert two.rows(bob.pk) == []


def test_value_that_is_not_found_again_is_refused(alice: User) -> None:
    """Else the first one's would be asked about for everybody after them."""
    with pytest.raises(ValueError, match="cannot be told"):
        Statement(lambda owner: Key.objects.filter(owner=owner)).first(str(alice.pk))
    with pytest.raises(ValueError, match="cannot be told"):
        Statement(lambda one, other: Key.objects.filter(owner=one).exclude(owner=other)).first(
            alice.pk, alice.pk
        )
