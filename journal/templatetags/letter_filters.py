from collections.abc import Iterable
from datetime import datetime

from django import template
from django.utils.functional import Promise

from journal.letter_kinds import KINDS
from journal.listed_letters import LetterLine, letter_lines
from journal.models import Letter

register = template.Library()


@register.filter
def kind_title(kind: str) -> Promise:
    """Return the title of the kind of letter with this key."""
    return KINDS[kind].title


@register.filter
def lines_at(letters: Iterable[Letter], now: datetime) -> list[LetterLine]:
    return letter_lines(letters, now)
