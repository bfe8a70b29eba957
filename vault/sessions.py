"""Sessions that a copy of the database is no use for.

The cookie holds the session's key together with a signature, the row only the key: whoever reads
the row cannot make the cookie. What waits in a session (codes, half-finished sign-ins) is sealed
by the master key.
"""

import json
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.sessions.middleware import SessionMiddleware as PlainSessionMiddleware
from django.core.signing import BadSignature, Signer
from django.http import HttpRequest, HttpResponse

from vault.sealing import ring

PURPOSE = "session"
# The serialiser is not told which row it works for; the cookie's signature binds that.
ANY_ROW = UUID(int=0)


def _signer() -> Signer:
    return Signer(salt="vault.sessions")


def cookie_for(session_key: str) -> str:
    """What the browser keeps for this session."""
    return _signer().sign(session_key)


def key_in(cookie: str | None) -> str | None:
    """The session's key in a cookie that we made; None for any other."""
    try:
        return _signer().unsign(cookie) if cookie else None
    except BadSignature:
        return None


class SealedSerializer:
    """Django's JSON serialiser, with the result sealed. Raises CannotOpen on what is not ours."""

    def dumps(self, contents: Any) -> bytes:
        return ring().seal(PURPOSE, ANY_ROW, json.dumps(contents).encode())

    def loads(self, data: bytes) -> Any:
        return json.loads(ring().open(PURPOSE, ANY_ROW, data))


class SessionMiddleware(PlainSessionMiddleware):
    """Django's sessions behind a signed cookie."""

    def process_request(self, request: HttpRequest) -> None:
        request.session = self.SessionStore(
            key_in(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
        )

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        response = super().process_response(request, response)
        given = response.cookies.get(settings.SESSION_COOKIE_NAME)
        if given and given.value:
            response.cookies[settings.SESSION_COOKIE_NAME] = cookie_for(given.value)
        return response
