"""Quiet hours: mail that nobody is waiting for arrives by day, on its reader's clock.

Pure functions on dates, hours and zones: no database, no clock.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _

# Quiet hours are everything outside these times.
DAY_START, DAY_END = time(8), time(20)
DAY_HOURS = range(DAY_START.hour, DAY_END.hour)
# Translatable, because many languages write 19:00.
HOUR_LABELS = dict(
    zip(
        DAY_HOURS,
        (
            _("8 am"),
            _("9 am"),
            _("10 am"),
            _("11 am"),
            _("noon"),
            _("1 pm"),
            _("2 pm"),
            _("3 pm"),
            _("4 pm"),
            _("5 pm"),
            _("6 pm"),
            _("7 pm"),
        ),
        strict=True,
    )
)


def to_utc(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return the moment in UTC at which clocks in this zone show this day and time.

    A time that the clocks skip moves forward by the same amount; a time that occurs twice is its
    first occurrence.
    """
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)


def is_quiet(at: datetime, zone: ZoneInfo) -> bool:
    """Whether this moment is in the quiet hours of this zone."""
    return not DAY_START <= at.astimezone(zone).time() < DAY_END


def day_end(at: datetime, zone: ZoneInfo) -> datetime:
    """Return when the quiet hours begin on the date of this moment in this zone."""
    return to_utc(at.astimezone(zone).date(), DAY_END, zone)


def next_hour(hour: int, zone: ZoneInfo, now: datetime) -> datetime:
    """Return the next moment after `now` at which clocks in this zone show this hour."""
    day = now.astimezone(zone).date()
    while (at := to_utc(day, time(hour), zone)) <= now:
        day += timedelta(days=1)
    return at
