"""Leave out what involves the other person, for the rest of a visit.

The session holds when this ends, and nothing else. A yes to any of the safety questions sets it,
and so does a button that anybody can press: that it is there tells nothing about an answer.
"""

from contextlib import suppress
from datetime import datetime, timedelta

from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.db import DatabaseError

from vault.primary_key_check import CannotSeal

ENDS_AT = "hidden_contact"
LASTS = timedelta(hours=12)


def is_hidden(session: SessionBase, *, now: datetime) -> bool:
    ends_at: float = session.get(ENDS_AT, 0)
    return now.timestamp() < ends_at


def hide(session: SessionBase, *, now: datetime) -> None:
    """Sessions of visitors and of people who are signed in end it earlier: with themselves, and
    with a lock."""
    session[ENDS_AT] = (now + LASTS).timestamp()


def hide_if_possible(session: SessionBase, *, now: datetime) -> None:
    """Like `hide`, for a page that is needed even if nothing can be stored now."""
    hide(session, now=now)
    try:
        session.save()
    except (DatabaseError, UpdateError, CannotSeal):
        # The page must not say that they are left out.
        show(session)
        # The session middleware would try once more, and fail the page.
        session.modified = False


def show(session: SessionBase) -> None:
    with suppress(KeyError):
        del session[ENDS_AT]
