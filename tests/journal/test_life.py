"""The states of a letter: each transition is allowed, or is refused and changes nothing."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accounts.models import User
from journal.expired_letters import delete_expired
from journal.models import BRING_BACK_FOR, InvalidTransition, Letter, Revision, Words
from journal.shelf_letters import ShelfLetters
from tests.support.letters import a_draft, a_letter, words_of
from vault.sealing import pack

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
State = Letter.State
Transition = Callable[[Letter, User, datetime], None]


def tomorrow(now: datetime) -> date:
    return now.date() + DAY


TRANSITIONS: dict[str, Transition] = {
    "close": lambda letter, who, now: letter.save_closing_answers(
        who, body_now="", next_hour="", now=now
    ),
    "keep": lambda letter, who, now: letter.keep(now=now),
    "write on": lambda letter, who, now: letter.write_on(now=now),
    "seal": lambda letter, who, now: letter.seal_until(
        tomorrow(now), tell_hour=None, person=who, now=now
    ),
    "unseal": lambda letter, who, now: letter.unseal(now=now),
    "let go": lambda letter, who, now: letter.let_go(leaves_line=False, now=now),
    "bring back": lambda letter, who, now: letter.bring_back(now=now),
}
# From state and transition to state. Everything else is refused.
ALLOWED = {
    (State.DRAFT, "close"): State.DRAFT,
    (State.DRAFT, "keep"): State.KEPT,
    (State.DRAFT, "seal"): State.SEALED,
    (State.DRAFT, "let go"): State.LET_GO,
    (State.KEPT, "write on"): State.DRAFT,
    (State.KEPT, "seal"): State.SEALED,
    (State.KEPT, "let go"): State.LET_GO,
    (State.SEALED, "unseal"): State.KEPT,
    (State.SEALED, "let go"): State.LET_GO,
}


@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    taken=st.lists(
        st.tuples(st.sampled_from([*TRANSITIONS, "write"]), st.integers(0, 3 * 24 * 60)),
        max_size=12,
    )
)
def test_any_way_through_life_is_legal_or_refused(
    alice: User, now: datetime, taken: list[tuple[str, int]]
) -> None:
    """Compare with a model of three facts: its state, since when, and where it was let go from."""
    letter = a_draft(alice, "as it was written", now=now)
    state, came_from, sealed_until = State.DRAFT, State.DRAFT, now.date()
    let_go_at = now
    for step, minutes in taken:
        now += timedelta(minutes=minutes)
        before = row(letter)
        expected = ALLOWED.get((state, step))
        if step == "seal" and state == State.SEALED and now.date() >= sealed_until:
            expected = State.SEALED
        if step == "bring back" and state == State.LET_GO and now - let_go_at < BRING_BACK_FOR:
            expected = came_from
        if step == "write":
            expected = State.DRAFT if state == State.DRAFT else None
        try:
            take(letter, step, alice, now)
        except InvalidTransition:
            assert expected is None, (state, step)
            letter.refresh_from_db()
            assert row(letter) == before
            continue
        assert expected is not None, (state, step)
        if step == "let go":
            came_from, let_go_at = state, now
        if step == "seal":
            sealed_until = tomorrow(now)
        state = expected
        letter.refresh_from_db()
        assert letter.state == state
        assert words_of(letter, alice).body == "as it was written"


def take(letter: Letter, step: str, who: User, now: datetime) -> None:
    if step == "write":
        letter.update_contents(who, letter.open(who.key), now=now)
    else:
        TRANSITIONS[step](letter, who, now)


def row(letter: Letter) -> dict[str, Any]:
    return {
        field.attname: bytes(value) if isinstance(value, memoryview) else value
        for field in Letter._meta.concrete_fields
        for value in [getattr(letter, field.attname)]
    }


def test_closing_answers_are_sealed(alice: User, now: datetime) -> None:
    draft = a_draft(alice, "words", now=now)

    draft.save_closing_answers(alice, body_now="tired", next_hour="a window", now=now)

    contents = Letter.objects.get().open(alice.key)
    assert (contents.body, contents.body_now, contents.next_hour) == ("words", "tired", "a window")
    assert b"window" not in bytes(Letter.objects.get().sealed)


def test_letter_from_before_there_were_closing_answers_can_be_opened(
    alice: User, now: datetime
) -> None:
    letter = a_letter(alice, now=now)
    words = pack({"to": "M.", "body": "as letters were once"})
    letter.sealed = alice.key.seal(Letter.purpose, letter.pk, words)
    letter.save()

    contents = Letter.objects.get().open(alice.key)
    assert (contents.to, contents.body, contents.body_now) == ("M.", "as letters were once", "")


@pytest.mark.parametrize("days", [-1, 0])
def test_letter_is_sealed_until_a_future_day(alice: User, now: datetime, days: int) -> None:
    draft = a_draft(alice, now=now)

    with pytest.raises(InvalidTransition):
        draft.seal_until(now.date() + days * DAY, tell_hour=None, person=alice, now=now)


def test_day_is_a_day_in_the_owners_time_zone(alice: User, now: datetime) -> None:
    """It is evening in London and already tomorrow in Auckland."""
    alice.time_zone = "Pacific/Auckland"
    draft = a_draft(alice, now=now)

    with pytest.raises(InvalidTransition):
        draft.seal_until(now.date() + DAY, tell_hour=None, person=alice, now=now)
    draft.seal_until(now.date() + 2 * DAY, tell_hour=9, person=alice, now=now)

    assert not draft.is_ready(now.date() + DAY)
    assert draft.is_ready(now.date() + 2 * DAY)
    assert draft.tell_at == datetime.fromisoformat("2026-03-14T09:00:00+13:00")


# --- Let go --------------------------------------------------------------------------------


@pytest.fixture
def let_go(alice: User, now: datetime) -> Letter:
    letter = a_letter(alice, "on the water", now=now)
    letter.let_go(leaves_line=False, now=now)
    return letter


def test_letter_that_was_let_go_is_visible_for_ten_minutes(
    alice: User, let_go: Letter, now: datetime
) -> None:
    last_moment = now + BRING_BACK_FOR - timedelta(microseconds=1)

    assert delete_expired(now=last_moment) == 0
    assert Letter.objects.visible_to(alice, last_moment).exists()
    let_go.bring_back(now=last_moment)

    assert Letter.objects.get().state == State.KEPT


def test_letter_expires_on_time_even_if_the_task_is_late(
    alice: User, let_go: Letter, now: datetime
) -> None:
    late = now + BRING_BACK_FOR

    assert Letter.objects.exists()
    assert not Letter.objects.visible_to(alice, late).exists()
    assert ShelfLetters(alice, late, fields=[]).count() == 0
    with pytest.raises(InvalidTransition):
        let_go.bring_back(now=late)


def test_expired_letter_is_deleted_with_its_earlier_versions(
    alice: User, let_go: Letter, now: datetime
) -> None:
    answer = a_letter(alice, "answer", now=now, answers=let_go)
    Revision.add(alice, let_go, Words("", "earlier"), now=now)

    assert delete_expired(now=now + BRING_BACK_FOR) == 1
    assert delete_expired(now=now + BRING_BACK_FOR) == 0

    assert list(Letter.objects.all()) == [answer]
    answer.refresh_from_db()
    assert answer.answers_id is None
    assert not Revision.objects.exists()


def test_line_of_a_gone_letter_has_nothing_but_a_day(alice: User, now: datetime) -> None:
    before = a_letter(alice, now=now)
    letter = a_letter(alice, "words", now=now, kind="night", answers=before, sitting=uuid4())
    answer = a_letter(alice, now=now, answers=letter)
    Revision.add(alice, letter, Words("", "earlier"), now=now)
    letter.seal_until(tomorrow(now), tell_hour=9, person=alice, now=now)
    letter.let_go(leaves_line=True, now=now)

    for _ in range(2):
        delete_expired(now=now + BRING_BACK_FOR)

    line, answer = (Letter.objects.get(pk=each.pk) for each in (letter, answer))
    emptied = Letter(
        pk=letter.pk, owner=alice, created_at=now, changed_at=now, sealed=b"", scheme=0
    )
    emptied.state, emptied.kind, emptied.let_go_at = State.GONE, "", now
    emptied.leaves_line = True
    assert row(line) == row(emptied)
    assert answer.answers_id is None
    assert not Revision.objects.exists()
    later = now + BRING_BACK_FOR
    assert line not in Letter.objects.visible_to(alice, later)
    assert line in ShelfLetters(alice, later, fields=[])[:]


def test_sealed_letter_is_brought_back_with_its_day(alice: User, now: datetime) -> None:
    letter = a_draft(alice, now=now)
    letter.seal_until(tomorrow(now), tell_hour=9, person=alice, now=now)
    sealed = row(letter)

    letter.let_go(leaves_line=True, now=now)
    letter.bring_back(now=now)

    letter.refresh_from_db()
    assert row(letter) == sealed
