"""What “Leave now” does to a session, and where it goes."""

from datetime import datetime
from typing import cast

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.account.internal.flows.reauthentication import STATE_SESSION_KEY
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.messages.storage.session import SessionStorage
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpResponse

from vault.sessions import SessionStore

LOCKED_AT = "locked_at"
# What goes with the lock: every proof, what waited for one, and what was about to be said. Whoever
# opens it again may be somebody else than who was here.
GOES = (AUTHENTICATION_METHODS_SESSION_KEY, STATE_SESSION_KEY, SessionStorage.session_key)


def marker() -> str:
    """The cookie a page sets as it is left, so that leaving works when no request gets through."""
    return "__Host-left" if settings.HTTPS else "left"


def lock(session: SessionBase, *, now: datetime) -> None:
    """Close what is private: for good without an account, else until a proof later than `now`."""
    if SESSION_KEY not in session:
        if not session.is_empty():
            session.flush()
        return
    store = cast(SessionStore, session)
    if store.found_by_old_key:
        # Another request with this cookie locked it already. A second move would put it out of
        # reach of that cookie, which the browser may still send.
        return
    session[LOCKED_AT] = now.timestamp()
    for name in GOES:
        session.pop(name, None)
    # A new key each time: browsers drop pages held for Back when a cookie changes, and the old
    # key is gone even if the request fails later.
    store.rotate_to_locked_key()


def away() -> HttpResponse:
    """The neutral page takes over, and is not told where the person comes from."""
    response = HttpResponse(status=303)
    response.headers["Location"] = settings.LEAVE_URL
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store, private"
    return response
