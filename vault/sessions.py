"""Sessions that a copy of the database is no use for.

The cookie holds the session's key together with a signature, the row only the key: whoever reads
the row cannot make the cookie. What waits in a session (codes, half-finished sign-ins) is sealed
by the master key.
"""

import json
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.db import SessionStore as PlainSessionStore
from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.middleware import SessionMiddleware as PlainSessionMiddleware
from django.core.signing import BadSignature, Signer
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import salted_hmac

from vault.models import Session
from vault.sealing import ring
from vault.statements import Statement

PURPOSE = "session"
# The serialiser is not told which row it works for; the cookie's signature binds that.
ANY_ROW = UUID(int=0)

ENDS_AT = "ends_at"
STAYS = "stays"


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


def _key_after(session_key: str) -> str:
    """The same each time, and nobody who has only the key or its cookie can tell it."""
    salt = "vault.sessions.after"
    return salted_hmac(salt, session_key, algorithm="sha256").hexdigest()[:40]


class SealedSerializer:
    """Django's JSON serialiser, with the result sealed. Raises CannotOpen on what is not ours."""

    def dumps(self, contents: Any) -> bytes:
        return ring().seal(PURPOSE, ANY_ROW, json.dumps(contents).encode())

    def loads(self, data: bytes) -> Any:
        return json.loads(ring().open(PURPOSE, ANY_ROW, data))


LIVING = Statement(
    lambda key, now: Session.objects.select_related("owner__wrapped_key").filter(
        session_key=key, expire_date__gt=now
    )
)


class SessionStore(PlainSessionStore):
    """Django's sessions in our table, which knows whose they are and when they end for good."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def _get_session_from_db(self) -> Session | None:
        """With its owner and their key, for which a page asks next: one statement, not three."""
        row: Session | None = LIVING.first(self.session_key, timezone.now())
        if row is None:
            self._session_key = None
            return None
        self.came = row.owner
        return row

    def save(self, must_create: bool = False) -> None:
        if must_create or self.session_key is None:
            super().save(must_create)
            return
        if not self._store_under(self.session_key, dict(self.items())):
            raise UpdateError

    def move(self) -> None:
        """Go on under a new key. A session that was ended or moved meanwhile stays as it is: a
        copy of it would be signed in, and no browser of theirs would know its key."""
        self._move(self._get_new_session_key(), self.session_key)  # type: ignore[attr-defined]

    def move_on(self) -> None:
        """Go on under the key that follows this one, also where a request that came with the same
        cookie has gone there already: both go on in one session. Only for a request that has
        proved by itself who sends it: the cookie alone is not let in."""
        before = self.session_key
        # Not stored yet: it will be, under a key of its own.
        if before is not None:
            self._move(_key_after(before), before, _key_after(before))

    def _move(self, key: str, *held: str | None) -> None:
        """To this key, from the first of those under which it is still held."""
        before, contents = self.session_key, dict(self.items())
        self._session_key = key
        if not any(self._store_under(each, contents) for each in held):
            self._session_key = before
        self.modified = True

    def _store_under(self, key: str | None, contents: dict[str, Any]) -> bool:
        """Whether there was a row under this key to keep them in, and the key that we have now."""
        row = self.create_model_instance(contents)
        # One statement is a transaction already; Django puts another around it.
        stored: int = Session.objects.filter(session_key=key).update(
            session_key=row.session_key,
            session_data=row.session_data,
            expire_date=row.expire_date,
            owner=row.owner_id,
        )
        return stored > 0

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        row = cast(Session, super().create_model_instance(data))
        row.owner_id = data.get(SESSION_KEY)
        return row

    def last_until(self, end: datetime, *, stays: bool) -> None:
        """End at this moment however often it is used; `stays` outlives the browser's closing."""
        self[ENDS_AT] = end.timestamp()
        self[STAYS] = stays

    def get_expiry_date(self, **kwargs: Any) -> datetime:
        ends_at = self.get(ENDS_AT)
        if ends_at is None:
            return super().get_expiry_date(**kwargs)
        return datetime.fromtimestamp(ends_at, UTC)

    def get_expiry_age(self, **kwargs: Any) -> int:
        """In seconds."""
        if ENDS_AT not in self:
            return int(super().get_expiry_age(**kwargs))
        return max(0, int((self.get_expiry_date() - timezone.now()).total_seconds()))

    def get_expire_at_browser_close(self) -> bool:
        return not self.get(STAYS, False)


class SessionMiddleware(PlainSessionMiddleware):
    """Django's sessions behind a signed cookie."""

    def process_request(self, request: HttpRequest) -> None:
        request.session = SessionStore(key_in(request.COOKIES.get(settings.SESSION_COOKIE_NAME)))

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        try:
            response = super().process_response(request, response)
        except SessionInterrupted:
            # It was ended or locked elsewhere meanwhile. What was answered stands; only what the
            # session was to keep is lost. The cookie stays too: by now it may be a newer one.
            return response
        given = response.cookies.get(settings.SESSION_COOKIE_NAME)
        if given and given.value:
            response.cookies[settings.SESSION_COOKIE_NAME] = cookie_for(given.value)
        elif given and not request.session.modified:
            # Not ended by this request: it was not found, perhaps because another tab has just
            # locked it under a new key. Taking the cookie away would take that one.
            del response.cookies[settings.SESSION_COOKIE_NAME]
        return response
