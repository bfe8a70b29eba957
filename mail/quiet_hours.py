"""When mail that nobody is waiting for may arrive: by day, on the clock of whoever gets it.

Pure: dates, hours and zones in, moments out; no database, no clock.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _

# No such mail leaves outside these hours.
OPENS, CLOSES = time(8), time(20)
HOURS = range(OPENS.hour, CLOSES.hour)
# Times as people say them; a language that writes 19:00 translates them so.
HOUR_WORDS = dict(
    zip(
        HOURS,
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


def moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The moment (UTC) when a clock in this zone shows this day and time. A time that the clocks
    skip moves forward by as much as they do; a time that comes twice is its first."""
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)


def is_quiet(at: datetime, zone: ZoneInfo) -> bool:
    """Whether this moment is in the quiet hours of this zone."""
    return not OPENS <= at.astimezone(zone).time() < CLOSES


def closes(at: datetime, zone: ZoneInfo) -> datetime:
    """When the quiet hours begin on the day of this moment."""
    return moment(at.astimezone(zone).date(), CLOSES, zone)


def next_time(hour: int, zone: ZoneInfo, now: datetime) -> datetime:
    """The next time after now that this hour comes round."""
    day = now.astimezone(zone).date()
    while (at := moment(day, time(hour), zone)) <= now:
        day += timedelta(days=1)
    return at
