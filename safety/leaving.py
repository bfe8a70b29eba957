"""What “Leave now” does to a session, and where it goes."""

from datetime import datetime
from typing import cast

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.messages.storage.session import SessionStorage
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpResponse

from vault.sessions import SessionStore

LOCKED_AT = "locked_at"
# The person who unlocks a session may not be the one who locked it: no pending message waits there.
_cleared_by_lock = {SessionStorage.session_key}


def marker() -> str:
    """The cookie a page sets as it is left, so that leaving works when no request gets through."""
    return "__Host-left" if settings.HTTPS else "left"


def clear_on_lock(*names: str) -> None:
    """Remove these session keys whenever a session is locked. Called once the apps are ready."""
    _cleared_by_lock.update(names)


def lock(session: SessionBase, *, now: datetime) -> None:
    """Close what is private: for good without an account, else until a proof later than `now`."""
    if SESSION_KEY not in session:
        if not session.is_empty():
            session.flush()
        return
    session[LOCKED_AT] = now.timestamp()
    for name in _cleared_by_lock:
        session.pop(name, None)
    # A new key each time: browsers drop pages held for Back when a cookie changes, and the old
    # key is gone even if the request fails later.
    cast(SessionStore, session).rotate_key()


def away() -> HttpResponse:
    """The neutral page takes over, and is not told where the person comes from."""
    response = HttpResponse(status=303)
    response.headers["Location"] = settings.LEAVE_URL
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store, private"
    return response
