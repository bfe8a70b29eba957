from datetime import datetime, timedelta

import pytest

from mail import actions
from mail.actions import RETENTION, tidy
from mail.models import FINAL_STATES, Message, State


def row(state: State, *, ended_at: datetime | None, created_at: datetime) -> Message:
    reason = "" if state == State.SENT else "a reason"
    return Message.objects.create(
        kind="account.code",
        key=f"{state}:{ended_at}",
        state=state,
        reason=reason if state in FINAL_STATES else "",
        due_at=created_at,
        created_at=created_at,
        ended_at=ended_at,
        sending_at=created_at if state == State.SENDING else None,
    )


@pytest.mark.parametrize("state", FINAL_STATES)
def test_row_in_a_final_state_goes_after_ninety_days(db: None, now: datetime, state: State) -> None:
    old = row(
        state, ended_at=now - RETENTION - timedelta(seconds=1), created_at=now - 2 * RETENTION
    )
    younger = row(state, ended_at=now - RETENTION, created_at=now - 2 * RETENTION)

    assert tidy(now=now) == 1

    assert list(Message.objects.all()) == [younger]
    assert not Message.objects.filter(pk=old.pk).exists()


@pytest.mark.parametrize("state", [State.DUE, State.SENDING])
def test_row_in_another_state_stays_however_old(db: None, now: datetime, state: State) -> None:
    row(state, ended_at=None, created_at=now - 10 * RETENTION)

    assert tidy(now=now) == 0
    assert Message.objects.count() == 1


def test_one_run_deletes_one_batch(
    db: None, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "TIDY_BATCH_SIZE", 2)
    for days in range(3):
        row(
            State.SENT,
            ended_at=now - 2 * RETENTION - timedelta(days=days),
            created_at=now - 3 * RETENTION,
        )

    assert [tidy(now=now) for _run in range(3)] == [2, 1, 0]
