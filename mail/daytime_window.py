"""Windows for mail that nobody is waiting for: sent from `due_at` on, and before `closes_at`."""

from datetime import datetime
from zoneinfo import ZoneInfo

from mail.models import Message
from mail.quiet_hours import DAY_START, day_end, is_quiet, next_hour


def move_into_window(message: Message, zone: ZoneInfo, now: datetime) -> None:
    """Move a pending mail into the next daytime window on this zone's clock, and save it.

    It leaves neither before `now` nor before it was due.
    """
    message.due_at, message.closes_at = next_window(max(message.due_at, now), zone)
    message.save(update_fields=["due_at", "closes_at"])


def next_window(at: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return when a mail that is ready at this moment may leave, and when it may no longer."""
    opens_at = next_hour(DAY_START.hour, zone, at) if is_quiet(at, zone) else at
    return opens_at, day_end(opens_at, zone)
