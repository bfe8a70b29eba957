"""Letters as they stand on the shelf: their days and nothing of their words."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.urls import reverse
from django.utils.dates import MONTHS
from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext as _


class Spine(NamedTuple):
    """What is seen of a letter before it is opened."""

    address: str
    name: str
    state: str


def spines(letters: Iterable[tuple[UUID, datetime, datetime]]) -> list[Spine]:
    """Of rows as LetterQuerySet.unopened gives them, in the time zone of whoever looks."""
    # What is the same for all of them is asked for once: shelves are long.
    shelf, zone = reverse("journal:shelf"), get_current_timezone()
    name, state = _("Letter of %(day)s"), _("Kept, last changed %(day)s, %(time)s")
    months = ["", *(str(MONTHS[number]) for number in range(1, 13))]
    found = []
    for id, created_at, changed_at in letters:
        begun, changed = created_at.astimezone(zone), changed_at.astimezone(zone)
        day = {"day": f"{begun.day} {months[begun.month]} {begun.year}"}
        last = {"day": f"{changed.day} {months[changed.month]}", "time": f"{changed:%H:%M}"}
        found.append(Spine(f"{shelf}{id}/", name % day, state % last))
    return found
