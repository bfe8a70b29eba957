"""Letters as they stand on the shelf: their days and nothing of their words."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from django import template
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.dates import MONTHS
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import get_current_timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

register = template.Library()

Rows = Iterable[tuple[UUID, datetime, datetime]]


@register.simple_tag
def letters(rows: Rows) -> SafeString:
    """A list of letters, of rows as LetterQuerySet.unopened gives them, in the time zone of whoever
    looks. Put together here and not in a template's loop, which takes many times as long: shelves
    are long."""
    # Only ids and numbers are put into lines that are escaped already.
    return format_html('<ul class="letters">{}</ul>', mark_safe("".join(_lines(rows))))  # noqa: S308


def _lines(rows: Rows) -> Iterator[str]:
    line, months = _words(get_language())
    zone = get_current_timezone()
    for id, created_at, changed_at in rows:
        begun, changed = created_at.astimezone(zone), changed_at.astimezone(zone)
        yield line % {
            "id": id,
            "day": begun.day,
            "month": months[begun.month],
            "year": begun.year,
            "last_day": changed.day,
            "last_month": months[changed.month],
            "last_time": f"{changed:%H:%M}",
        }


@lru_cache
def _words(language: str) -> tuple[str, dict[int, str]]:
    """The line of a letter and the names of the months, escaped, in the language being spoken."""
    line = format_html(
        '<li><a href="{}%(id)s/">{}<b>{}</b><small>{}</small></a></li>',
        reverse("journal:shelf"),
        # Stripped it is no longer known to be safe.
        mark_safe(render_to_string("icons/letter.svg").strip()),  # noqa: S308 - a file of ours
        _("Letter of %(day)s %(month)s %(year)s"),
        _("Kept, last changed %(last_day)s %(last_month)s, %(last_time)s"),
    )
    return line, {number: escape(str(name)) for number, name in MONTHS.items()}
