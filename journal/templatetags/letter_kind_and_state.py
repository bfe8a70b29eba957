from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.functional import Promise

from journal.letter_kinds import KINDS
from journal.models import Letter

register = template.Library()


@register.filter
def kind_title(kind: str) -> Promise:
    """Return the title of the kind of letter with this key."""
    return KINDS[kind].title


@register.filter
def state_at(letter: Letter, now: datetime) -> str:
    """Return the state that a list shows, in the current time zone.

    `ready` for a sealed letter whose day has come; `gone` as soon as a letter that was let go can
    no longer be brought back, even where the task that empties it has not run yet.
    """
    if letter.is_ready(timezone.localdate(now)):
        return "ready"
    if letter.bring_back_until and letter.bring_back_until <= now:
        return Letter.State.GONE
    return letter.state
