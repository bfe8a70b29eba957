"""The lock: this session waits for the password again.

Somebody left in a hurry (`safety` writes that moment into the session), or was quiet for as long as
they have chosen. Whatever proof of who they are came before that no longer counts; allauth notes
each proof in the session too.

When somebody was last here is not stored. Their browser keeps it, in a cookie that only we can make
and only for this session.
"""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.contrib.auth.middleware import get_user
from django.core.signing import BadSignature, Signer
from django.http import HttpRequest, HttpResponse

from accounts.models import User
from accounts.sessions.devices import BEGAN_AT, DEVICE, device_of
from safety.leaving import LOCKED_AT, lock
from vault.sessions import PERSISTENT

# A sign-in ends after this time, however much it is used.
LASTS = timedelta(seconds=settings.SESSION_COOKIE_AGE)
# The same for whoever chose to stay signed in.
STAYS_FOR = timedelta(days=30)
# How old the cookie may grow before it is made anew: pages lock earlier by this much at most.
GRAIN = timedelta(seconds=30)


def is_locked(request: HttpRequest) -> bool:
    # Locking takes back every proof, so whatever proof there is came later: no clock is compared.
    return LOCKED_AT in request.session and not _proofs(request)


def attend(request: HttpRequest, person: User, *, now: datetime) -> bool:
    """This person asks for something: begin or go on, or lock when they were quiet too long.

    Whether their browser knows by now that they are here.
    """
    session = request.session
    if BEGAN_AT not in session:
        session[BEGAN_AT] = now.timestamp()
        session[DEVICE] = device_of(request)
    if session.get(PERSISTENT) is not (person.lock_after is None):
        _set_end(session, stays=person.lock_after is None, now=now)
    if person.lock_after is None:
        return True
    quiet = _quiet(request, now)
    if quiet >= person.lock_after * 60:
        lock(session, now=now)
    return quiet < GRAIN.total_seconds()


def note_presence(request: HttpRequest, response: HttpResponse, *, now: datetime) -> None:
    """Let the browser keep that somebody was here now."""
    session = request.session
    if BEGAN_AT not in session or session.get(PERSISTENT):
        return
    if _quiet(request, now) < GRAIN.total_seconds():
        return
    response.set_cookie(
        _cookie(),
        _signer(session.session_key).sign(str(int(now.timestamp()))),
        secure=settings.HTTPS,
        httponly=True,
        samesite="Lax",
    )


def _proofs(request: HttpRequest) -> list[dict[str, Any]]:
    # Only their own: someone else's half-finished sign-in lies in the same session.
    return list(get_authentication_records(request, get_user(request)))


def _proved_at(request: HttpRequest) -> float:
    return max((float(proof["at"]) for proof in _proofs(request)), default=0.0)


def _set_end(session: Any, *, stays: bool, now: datetime) -> None:
    began_at = datetime.fromtimestamp(session[BEGAN_AT], UTC)
    # Whoever goes back to a shorter time after some days is not put out at once.
    end = began_at + STAYS_FOR if stays else (now if PERSISTENT in session else began_at) + LASTS
    session.set_absolute_expiry(end, persistent=stays)


def _quiet(request: HttpRequest, now: datetime) -> float:
    """For how many seconds nobody has been here."""
    began_at = float(request.session[BEGAN_AT])
    last = max(began_at, _proved_at(request), _kept_by_browser(request))
    return now.timestamp() - last


def _kept_by_browser(request: HttpRequest) -> float:
    with suppress(BadSignature, ValueError):
        cookie = request.COOKIES.get(_cookie(), "")
        return int(_signer(request.session.session_key).unsign(cookie))
    return 0


def _cookie() -> str:
    return "__Host-s" if settings.HTTPS else "s"


def _signer(key: str | None) -> Signer:
    # Bound to the session: nobody makes it in one that is open for one that is locked.
    return Signer(salt=f"accounts.lock.{key}")
