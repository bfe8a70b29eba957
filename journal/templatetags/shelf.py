"""Letters as they stand on the shelf: their days and nothing of their words."""

from collections.abc import Iterable, Iterator
from datetime import date
from functools import lru_cache

from django import template
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.dates import MONTHS
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import get_current_timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from journal.letter_kinds import KINDS, LetterKind
from journal.models import Letter

register = template.Library()

State = Letter.State
# What a letter looks like from outside; one that can be read is a sheet.
PICTURES = {State.SEALED: "envelope", "ready": "envelope", State.LET_GO: "let-go"}


@register.filter
def title_of(kind: str) -> object:
    """What letters of this kind are called."""
    return KINDS[kind].title


@register.simple_tag
def kinds() -> Iterable[LetterKind]:
    """Every kind of letter."""
    return KINDS.values()


@register.simple_tag
def letters(rows: Iterable[Letter]) -> SafeString:
    """Return the list of these letters, in the current time zone."""
    # Only ids and numbers are put into lines that are escaped already.
    return format_html('<ul class="letters">{}</ul>', mark_safe("".join(_lines(rows))))  # noqa: S308


def _lines(rows: Iterable[Letter]) -> Iterator[str]:
    lines, months = _words(get_language())
    zone = get_current_timezone()
    today = timezone.localdate()
    for letter in rows:
        kind, state, opens_on, let_go_at = (
            letter.kind, letter.state, letter.opens_on, letter.let_go_at,
        )  # fmt: skip
        begun, changed = letter.created_at.astimezone(zone), letter.changed_at.astimezone(zone)
        told = {
            "id": letter.pk,
            "begun": _day(begun, months),
            "changed": _day(changed, months),
            "time": f"{changed:%H:%M}",
        }
        if opens_on and state == State.SEALED:
            told["opens"] = _day(opens_on, months)
            state = "ready" if opens_on <= today else state
        if let_go_at and letter.bring_back_until:
            until = letter.bring_back_until.astimezone(zone)
            told |= {"until": f"{until:%H:%M}", "left": _day(let_go_at.astimezone(zone), months)}
        if state == State.LET_GO:
            # Nothing brings it back, and all that is left of it is a line.
            state, kind = (state, kind) if until > timezone.now() else (State.GONE, "")
        yield lines[kind, state] % told


def _day(day: date, months: dict[int, str]) -> str:
    return f"{day.day} {months[day.month]} {day.year}"


@lru_cache
def _words(language: str) -> tuple[dict[tuple[str, str], str], dict[int, str]]:
    """The line of each kind of letter in each state, and the names of the months, escaped, in the
    language being spoken."""
    states = {
        State.DRAFT: _("Draft, last changed %(changed)s, %(time)s"),
        State.KEPT: _("Kept"),
        State.SEALED: _("Sealed until %(opens)s"),
        "ready": _("Set aside until %(opens)s. It may be opened now."),
        State.LET_GO: _("On the water until %(until)s. Until then you can bring it back."),
    }
    lines = {
        (kind.key, state): _line(kind.title, told, PICTURES.get(state, "letter"))
        for kind in KINDS.values()
        for state, told in states.items()
    }
    lines["", State.GONE] = format_html('<li class="line">{}</li>', _("Let go, %(left)s"))
    return lines, {number: escape(str(name)) for number, name in MONTHS.items()}


def _line(title: object, told: str, picture: str) -> str:
    return format_html(
        '<li><a href="{}%(id)s/">{}<b>{}, %(begun)s</b><small>{}</small></a></li>',
        reverse("journal:shelf"),
        render_to_string(f"icons/{picture}.svg"),
        title,
        told,
    )
