"""How days and times of day are written, on every page and in every mail.

The patterns for each language are in config/formats. Until somebody chose their time zone, an hour
in UTC would pass for theirs: it is left out, or “UTC” follows it.
"""

from datetime import date, datetime, time
from functools import lru_cache

from django.utils import timezone
from django.utils.formats import date_format, time_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.time_zones import NO_ZONE_CHOSEN


def day(moment: date) -> str:
    """Return the day of a moment, or a day, such as `28 November 2026`."""
    return _format(_local_day(moment), "DATE_FORMAT", get_language())


class LocalDays:
    """The days of a whole list: the time zone and the language are looked up once, not twice in
    each line."""

    def __init__(self) -> None:
        self.zone, self.language = timezone.get_current_timezone(), get_language()

    def day(self, moment: datetime) -> str:
        """Return the day of a moment, such as `28 November 2026`."""
        return _format(moment.astimezone(self.zone).date(), "DATE_FORMAT", self.language)

    def month(self, moment: datetime) -> str:
        """Return the month of a moment, such as `November 2026`."""
        return _format(moment.astimezone(self.zone).date(), "YEAR_MONTH_FORMAT", self.language)


def time_of_day(moment: datetime) -> str:
    """Return a time such as `8:14 pm`, or `8:14 pm UTC` without a known zone."""
    written = time_format(timezone.localtime(moment)).lower()
    return written if _is_zone_known() else _("%(time)s UTC") % {"time": written}


def hour(at: time) -> str:
    """Return a time of the day that somebody chose, such as `7:00 pm`: theirs in any zone."""
    return time_format(at).lower()


def day_and_time(moment: datetime) -> str:
    """Return both, such as `28 November 2026, 8:14 pm`; only the day without a known zone."""
    return exact_moment(moment) if _is_zone_known() else day(moment)


def exact_moment(moment: datetime) -> str:
    """Return both, with `UTC` behind them without a known zone."""
    return _("%(day)s, %(time)s") % {"day": day(moment), "time": time_of_day(moment)}


def _local_day(moment: date) -> date:
    return timezone.localtime(moment).date() if isinstance(moment, datetime) else moment


# A list has two days in each line: to write them took a quarter of the shelf.
@lru_cache(maxsize=5000)
def _format(day: date, pattern: str, language: str | None) -> str:
    return date_format(day, pattern)


def _is_zone_known() -> bool:
    return timezone.get_current_timezone_name() != NO_ZONE_CHOSEN
