from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from mail.daytime_window import move_into_window, next_window
from mail.models import Message

BERLIN = ZoneInfo("Europe/Berlin")


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("ready", "opens", "closes"),
    [
        ("2026-03-12 07:59", "2026-03-12 08:00", "2026-03-12 20:00"),
        ("2026-03-12 08:00", "2026-03-12 08:00", "2026-03-12 20:00"),
        ("2026-03-12 19:59", "2026-03-12 19:59", "2026-03-12 20:00"),
        ("2026-03-12 20:00", "2026-03-13 08:00", "2026-03-13 20:00"),
        # The clocks go forward during this night.
        ("2026-03-28 23:00", "2026-03-29 08:00", "2026-03-29 20:00"),
    ],
)
def test_window_is_the_rest_of_the_day_or_the_next_one(ready: str, opens: str, closes: str) -> None:
    assert next_window(berlin(ready), BERLIN) == (berlin(opens), berlin(closes))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("due", "now", "opens"),
    [
        ("2026-03-12 19:00", "2026-03-12 21:00", "2026-03-13 08:00"),
        ("2026-03-12 19:00", "2026-03-13 09:30", "2026-03-13 09:30"),
        ("2026-03-14 10:00", "2026-03-12 21:00", "2026-03-14 10:00"),
        ("2026-03-14 23:00", "2026-03-12 12:00", "2026-03-15 08:00"),
    ],
)
def test_mail_moves_into_the_next_window_and_never_before_it_was_due(
    due: str, now: str, opens: str
) -> None:
    at = berlin(due)
    message = Message.objects.create(kind="once", key="1", due_at=at, closes_at=at, created_at=at)

    move_into_window(message, BERLIN, berlin(now))

    message.refresh_from_db()
    assert message.due_at == berlin(opens)
    assert message.closes_at == berlin(opens).replace(hour=20, minute=0)
