import re
from datetime import UTC, date, datetime

import pytest
from django.utils import timezone, translation

from accounts.local_times import day, day_and_time, time_of_day
from tests.support.template_files import ROOT, TEMPLATES

EVENING = datetime(2026, 3, 12, 19, 14, tzinfo=UTC)
HAND_WRITTEN = re.compile(
    r"\|(?:date|time):|\|date \}\}, |\bstrftime\(|date_format\([^)]*, \"[^Y]|\bdateformat\b"
)


@pytest.mark.parametrize(
    ("zone", "language", "expected"),
    [
        ("Europe/Berlin", "en", ("12 March 2026", "8:14 pm", "12 March 2026, 8:14 pm")),
        ("Asia/Tokyo", "en", ("13 March 2026", "4:14 am", "13 March 2026, 4:14 am")),
        ("Europe/Berlin", "de", ("12. März 2026", "20:14", "12. März 2026, 20:14")),
        # Nobody chose it: an hour is said to be in UTC, or left out.
        ("UTC", "en", ("12 March 2026", "7:14 pm UTC", "12 March 2026")),
    ],
)
def test_moment_is_written_by_language_and_zone(
    zone: str, language: str, expected: tuple[str, str, str]
) -> None:
    with timezone.override(zone), translation.override(language):
        assert (day(EVENING), time_of_day(EVENING), day_and_time(EVENING)) == expected


def test_day_is_the_same_in_every_zone() -> None:
    with timezone.override("Pacific/Auckland"):
        assert day(date(2026, 3, 12)) == "12 March 2026"


def test_nothing_else_writes_a_day_or_a_time() -> None:
    rooms = [
        "accounts",
        "healing",
        "home",
        "journal",
        "mail",
        "reminders",
        "safety",
        "operations",
        "vault",
    ]
    files = [
        *TEMPLATES.rglob("*.*"),
        *(file for room in rooms for file in (ROOT / room).rglob("*.py")),
    ]

    assert [file.name for file in files if HAND_WRITTEN.search(file.read_text())] == []
