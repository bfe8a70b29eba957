"""The lock: a locked session asks for the password again (ADR 19).

A session locks when its person leaves in a hurry (`safety.leaving.lock` stores the time in it), or
has been idle for as long as they chose. Locking clears every proof of identity from the session, so
that a proof in a locked session is a newer one and unlocks it.

The server does not store when a person was last active. Their browser does: in a signed cookie that
is valid for this session only.
"""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import get_user
from django.core.signing import BadSignature, Signer
from django.http import HttpRequest, HttpResponse

from accounts.allauth_internals import AuthenticationRecord, authentication_records
from accounts.models import User
from accounts.sessions.devices import BEGAN_AT, DEVICE, device_name
from safety.leaving import lock
from vault.sessions import LOCKED_AT, PERSISTENT

# A session expires after this time, however much it is used.
LIFETIME = timedelta(seconds=settings.SESSION_COOKIE_AGE)
# The same for a person whose pages do not lock.
PERSISTENT_LIFETIME = timedelta(days=30)
# The cookie is renewed when it is this old: pages lock earlier by this much at most.
COOKIE_INTERVAL = timedelta(seconds=30)


def is_locked(request: HttpRequest) -> bool:
    # No comparison of clocks: locking clears the proofs, so any proof here is newer than the lock.
    return LOCKED_AT in request.session and not _proofs(request)


def lock_if_idle(request: HttpRequest, person: User, *, now: datetime) -> bool:
    """Lock the session if this person has been idle for too long; else set when it expires.

    Returns whether the browser's cookie is recent enough to be left as it is.
    """
    session = request.session
    if BEGAN_AT not in session:
        session[BEGAN_AT] = now.timestamp()
        session[DEVICE] = device_name(request)
    is_persistent = person.lock_after is None
    if session.get(PERSISTENT) is not is_persistent:
        _set_expiry(session, is_persistent=is_persistent, now=now)
    if person.lock_after is None:
        return True
    idle = _idle_seconds(request, now)
    if idle >= person.lock_after * 60:
        lock(session, now=now)
    return idle < COOKIE_INTERVAL.total_seconds()


def set_activity_cookie(request: HttpRequest, response: HttpResponse, *, now: datetime) -> None:
    """Let the browser store that its person was active now."""
    session = request.session
    if BEGAN_AT not in session or session.get(PERSISTENT):
        return
    if _idle_seconds(request, now) < COOKIE_INTERVAL.total_seconds():
        return
    response.set_cookie(
        _cookie_name(),
        _signer(session.session_key).sign(str(int(now.timestamp()))),
        secure=settings.HTTPS,
        httponly=True,
        samesite="Lax",
    )


def _proofs(request: HttpRequest) -> list[AuthenticationRecord]:
    # Of the session's owner only: somebody else's pending sign-in may be in the same session.
    return authentication_records(request, get_user(request))


def _set_expiry(session: Any, *, is_persistent: bool, now: datetime) -> None:
    began_at = datetime.fromtimestamp(session[BEGAN_AT], UTC)
    if is_persistent:
        end = began_at + PERSISTENT_LIFETIME
    else:
        # Back to the shorter lifetime after some days: counted from the beginning, it would end the
        # session at once.
        end = (now if PERSISTENT in session else began_at) + LIFETIME
    session.set_absolute_expiry(end, persistent=is_persistent)


def _idle_seconds(request: HttpRequest, now: datetime) -> float:
    began_at = float(request.session[BEGAN_AT])
    proved_at = max((proof["at"] for proof in _proofs(request)), default=0.0)
    return now.timestamp() - max(began_at, proved_at, _active_at_by_cookie(request))


def _active_at_by_cookie(request: HttpRequest) -> float:
    with suppress(BadSignature, ValueError):
        cookie = request.COOKIES.get(_cookie_name(), "")
        return int(_signer(request.session.session_key).unsign(cookie))
    return 0


def _cookie_name() -> str:
    return "__Host-s" if settings.HTTPS else "s"


def _signer(session_key: str | None) -> Signer:
    # Bound to the session: a cookie from an unlocked session must not keep another one unlocked.
    return Signer(salt=f"accounts.lock.{session_key}")
