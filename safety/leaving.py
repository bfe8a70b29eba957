"""What “Leave now” does to a session, and where it leads (ADR 17)."""

from datetime import datetime
from typing import cast

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.messages.storage.session import SessionStorage
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse

from vault.sessions import LOCKED_AT, SessionStore

# Someone else may unlock the session, so pending messages must not wait in it.
_cleared_by_lock = {SessionStorage.session_key}
_kept_for_visitors: set[str] = set()


def left_cookie_name() -> str:
    """The cookie that a page sets as it is left, in case no request reaches the server."""
    return "__Host-left" if settings.HTTPS else "left"


def clear_on_lock(*names: str) -> None:
    """Remove these session keys whenever a session is locked. Called once the apps are ready."""
    _cleared_by_lock.update(names)


def keep_for_visitors(*names: str) -> None:
    """Move these session keys to a new session when a visitor leaves. Called once the apps are
    ready."""
    _kept_for_visitors.update(names)


def lock(session: SessionBase, *, now: datetime) -> None:
    """Lock a signed-in session until a reauthentication after `now`; flush any other session."""
    if SESSION_KEY not in session:
        _flush(session)
        return
    store = cast(SessionStore, session)
    if store.found_by_old_key:
        # Another request with this cookie locked it already. Rotating the key once more would put
        # the session out of reach of that cookie, which the browser may still send.
        return
    session[LOCKED_AT] = now.timestamp()
    for name in _cleared_by_lock:
        session.pop(name, None)
    # A new session key each time: browsers evict pages from the back/forward cache when a cookie
    # changes, and the old key stays invalid even if the request fails later.
    store.rotate_to_locked_key()


def _flush(session: SessionBase) -> None:
    if session.is_empty():
        return
    kept = {name: session[name] for name in _kept_for_visitors if name in session}
    session.flush()
    if kept:
        session.update(kept)


def take_csrf_cookie(request: HttpRequest) -> bool:
    """Invalidate every form that this browser still has: remove the cookie from this request, and
    return whether it has to be deleted.

    The history keeps forms that were sent, and Back sends them again. A visitor who left has no
    session whose lock could stop that.
    """
    return request.COOKIES.pop(settings.CSRF_COOKIE_NAME, None) is not None


def delete_csrf_cookie(response: HttpResponse) -> None:
    # The page of this response may have a form, with a cookie of its own.
    if settings.CSRF_COOKIE_NAME not in response.cookies:
        response.delete_cookie(settings.CSRF_COOKIE_NAME, samesite="Lax")


def redirect_away() -> HttpResponse:
    """Redirect to the neutral page, without telling it where the person comes from."""
    response = HttpResponse(status=303)
    response.headers["Location"] = settings.LEAVE_URL
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store, private"
    return response
