"""Sessions that cannot be taken over with a copy of the database (ADR 18).

The cookie carries the session key and a signature; the row stores only the key, so a cookie cannot
be made from a row. Session data (codes, unfinished sign-ins) is sealed by the master key, for the
row with this session key: in another row it does not open.
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from itertools import islice
from typing import Any, ClassVar, Self, cast
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.contrib.sessions.base_session import AbstractBaseSession, BaseSessionManager
from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.middleware import SessionMiddleware as DjangoSessionMiddleware
from django.core import signing
from django.core.signing import BadSignature, Signer
from django.db import DEFAULT_DB_ALIAS, connection, models, transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import salted_hmac

from vault import expiring_session_entries
from vault.key_ring import ring
from vault.primary_key_check import CannotSeal, sealing_ring
from vault.sealing import CannotOpen

PURPOSE = "session"
# Earlier versions sealed data for no row in particular. None of their sessions lasts longer than
# this: what is older was put back by somebody.
ANY_ROW = UUID(int=0)
UNBOUND_LASTS = timedelta(days=30)

ENDS_AT = "ends_at"
PERSISTENT = "stays"
LOCKED_AT = "locked_at"
# For how many seconds a cookie from before a lock still leads to the locked session: long enough
# for a request that was under way, too short for a stolen cookie to be of use.
OLD_KEY_LASTS = 60


class SessionQuerySet(models.QuerySet["Session"]):
    def of(self, owner: Any) -> Self:
        """The sessions this person is signed in with."""
        return self.filter(owner=owner)

    def anonymous(self) -> Self:
        """Sessions from before a sign-in: a pending code, an exercise begun without an account."""
        return self.filter(owner=None)

    def with_something_of_others(self) -> Self:
        """Sessions that may hold something of people who are not signed in with them: a pending
        sign-in, a code, a form that waits. The others need not be opened to look for that."""
        return self.filter(Q(owner=None) | Q(entries_end_at__isnull=False))

    def active(self, now: datetime) -> Self:
        return self.filter(expire_date__gt=now)

    def expired(self, now: datetime) -> Self:
        return self.filter(expire_date__lte=now)

    def with_expired_entries(self, now: datetime) -> Self:
        return self.filter(entries_end_at__lte=now)


class Session(AbstractBaseSession):
    """A session whose owner is a plain column, for signing out elsewhere and for erasing."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+")
    # When the first of its expiring entries ends: found without opening all sessions.
    entries_end_at = models.DateTimeField(null=True)

    objects: ClassVar[Any] = BaseSessionManager.from_queryset(SessionQuerySet)()

    class Meta(AbstractBaseSession.Meta):
        indexes = (
            models.Index(
                fields=["entries_end_at"],
                condition=Q(entries_end_at__isnull=False),
                name="vault_session_entries_end",
            ),
        )

    def __str__(self) -> str:
        return "a session"

    @classmethod
    def get_session_store_class(cls) -> type[SessionBase]:
        return SessionStore

    def get_decoded(self) -> dict[str, Any]:
        # Django's own passes no key, and the data opens for its row only.
        return SessionStore(self.session_key).decode(self.session_data)

    def drop_expired_entries(self, *, now: datetime) -> None:
        """Drop them from the stored row. One that cannot be opened now stays as it is."""
        store = SessionStore(self.session_key)
        contents = store.decode(self.session_data)
        if contents:
            expiring_session_entries.drop_expired(contents, now=now)
            # A request may have saved newer contents meanwhile: replace only what was read.
            unchanged = Session.objects.filter(pk=self.pk, session_data=self.session_data)
            unchanged.update(
                session_data=store.encode(contents),
                entries_end_at=expiring_session_entries.next_end(contents),
            )


def load_session(session_key: str | None, now: datetime) -> Session | None:
    """Return the unexpired session with its owner and the owner's wrapped key, in one query.

    Every request asks for all three. Building the query in the ORM costs more processor time than
    the answer (ADR 24), so this one is written by hand.
    """
    with connection.cursor() as cursor:
        cursor.execute(_session_query(), [session_key, now])
        row = cursor.fetchone()
    if row is None:
        return None
    values = iter(row)
    session: Session = _instance(Session, values)
    if session.owner_id is not None:
        session.owner = _instance(get_user_model(), values)
        key = _instance(apps.get_model("vault.Key"), values)
        # None in a database that was restored without the keys.
        if key.pk is not None:
            key.owner = session.owner
    return session


@cache
def _session_query() -> str:
    user, key = get_user_model(), apps.get_model("vault.Key")
    columns = ", ".join(
        f'{table}."{field.column}"'
        for table, model in (("session", Session), ("owner", user), ("wrapped_key", key))
        for field in model._meta.concrete_fields
    )
    # Only names of our own models go into the text.
    return f"""
        SELECT {columns} FROM "{Session._meta.db_table}" session
        LEFT JOIN "{user._meta.db_table}" owner ON owner.id = session.owner_id
        LEFT JOIN "{key._meta.db_table}" wrapped_key ON wrapped_key.owner_id = owner.id
        WHERE session.session_key = %s AND session.expire_date > %s
    """  # noqa: S608


def _instance(model: type[models.Model], values: Iterator[Any]) -> Any:
    """Take the next values of a row, one per column of this model, as an instance."""
    names = [field.attname for field in model._meta.concrete_fields]
    return model.from_db(DEFAULT_DB_ALIAS, names, list(islice(values, len(names))))


def _signer() -> Signer:
    return Signer(salt="vault.sessions")


def cookie_for(session_key: str) -> str:
    """Return the cookie value for this session: its key, signed."""
    return _signer().sign(session_key)


def key_in(cookie: str | None) -> str | None:
    """Return the session key in a cookie signed by us, or None."""
    try:
        return _signer().unsign(cookie) if cookie else None
    except BadSignature:
        return None


def _derived_key(session_key: str) -> str:
    """Derive the key that a session moves on to once it is unlocked."""
    return _derive("vault.sessions.after", session_key)


def _locked_key(session_key: str) -> str:
    """Derive the key that a lock moves a session to."""
    return _derive("vault.sessions.locked", session_key)


def _derive(salt: str, session_key: str) -> str:
    # The same each time, and unpredictable without SECRET_KEY.
    return salted_hmac(salt, session_key, algorithm="sha256").hexdigest()[:40]


def _row_id(session_key: str | None) -> UUID:
    """Name the row with this key for the seal. The key is written together with the data, also when
    it changes, so data never outlives the key it was sealed for."""
    return UUID(bytes=hashlib.sha256(str(session_key).encode()).digest()[:16])


def _fits(row: Session, contents: dict[str, Any], now: datetime) -> bool:
    """Whether the plain columns say the same as what is sealed: somebody who can write to the
    database could make a session last, or hide it from signing out everywhere."""
    owner = None if row.owner_id is None else str(row.owner_id)
    is_over = contents.get(ENDS_AT, math.inf) <= now.timestamp()
    return contents.get(SESSION_KEY) == owner and not is_over


class SealedSerializer:
    """JSON, sealed by the master key for one row. `loads` raises CannotOpen on anything else."""

    def __init__(self, row: UUID) -> None:
        self.row = row

    def dumps(self, contents: Any) -> bytes:
        # Escaped, four bytes of a character would be twelve, and so would what a visitor may save.
        text = json.dumps(contents, ensure_ascii=False)
        return sealing_ring().seal(PURPOSE, self.row, text.encode("utf-8", "surrogatepass"))

    def loads(self, data: bytes) -> Any:
        return json.loads(ring().open(PURPOSE, self.row, data))


class SessionStore(DatabaseSessionStore):
    """Django's database sessions, with an owner and an absolute expiry.

    `loaded_owner` is the owner read together with the session: a user with the wrapped key, or
    None. It is set once the session has been read. `found_by_old_key` is True if the cookie still
    names the key from before a lock, as in a request sent while the session was being locked.
    """

    loaded_owner: Any = None
    found_by_old_key = False

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def load(self) -> dict[str, Any]:
        key, now = self.session_key, timezone.now()
        row = load_session(key, now)
        if row is None and key:
            row = self._load_by_old_key(key, now)
        if row is None:
            self._session_key = None
            return {}
        self._session_key = row.session_key
        self.loaded_owner = row.owner
        contents = self._open_bound(row.session_data) or self._bind_unbound(row.session_data)
        return contents if _fits(row, contents, now) else {}

    def _load_by_old_key(self, key: str, now: datetime) -> Session | None:
        row = load_session(_locked_key(key), now)
        if row is None:
            return None
        locked_at = row.get_decoded().get(LOCKED_AT, 0)
        self.found_by_old_key = now.timestamp() - locked_at < OLD_KEY_LASTS
        return row if self.found_by_old_key else None

    def encode(self, session_dict: dict[str, Any]) -> str:
        self.serializer = partial(SealedSerializer, _row_id(self.session_key))
        return str(super().encode(session_dict))

    def decode(self, session_data: Any) -> dict[str, Any]:
        """Return the contents; nothing if they do not open for the row with this session's key."""
        return self._open_bound(session_data) or self._open_unbound(session_data)

    def _open_bound(self, session_data: str) -> dict[str, Any]:
        return self._loads(session_data, _row_id(self.session_key))

    def _open_unbound(self, session_data: str) -> dict[str, Any]:
        """Open data from before it was bound to a row."""
        return self._loads(session_data, ANY_ROW, max_age=UNBOUND_LASTS)

    def _bind_unbound(self, session_data: str) -> dict[str, Any]:
        """Open data from before it was bound to a row, and bind it to this one."""
        contents = self._open_unbound(session_data)
        if contents:
            with suppress(CannotSeal):
                # Another request may have saved newer contents meanwhile: replace only what was
                # read.
                read = Session.objects.filter(session_key=self.session_key)
                read.filter(session_data=session_data).update(session_data=self.encode(contents))
        return contents

    def _loads(
        self, session_data: str, row: UUID, *, max_age: timedelta | None = None
    ) -> dict[str, Any]:
        serializer: Any = partial(SealedSerializer, row)
        try:
            contents: dict[str, Any] = signing.loads(
                session_data, salt=self.key_salt, serializer=serializer, max_age=max_age
            )
        except (signing.BadSignature, CannotOpen):
            return {}
        return contents

    def save(self, must_create: bool = False) -> None:
        if must_create or self.session_key is None:
            super().save(must_create)
            return
        if not self._update_row(self.session_key, dict(self.items())):
            raise UpdateError

    def change_value(self, name: str, change: Callable[[Any], Any]) -> bool:
        """Replace one value: `change` gets the stored one or None, and returns the new one.

        Saving a session replaces all of it, and with it what another request has stored meanwhile.
        This reads the value again under a lock. Returns False, and changes nothing, if the session
        has ended meanwhile.
        """
        if self.session_key is None:
            # The middleware saves it, and sets its cookie.
            self[name] = change(self.get(name))
            return True
        with transaction.atomic():
            row = Session.objects.select_for_update().filter(session_key=self.session_key).first()
            if row is None:
                return False
            contents = self.decode(row.session_data)
            contents[name] = change(contents.get(name))
            self._update_row(self.session_key, contents)
        was_modified = self.modified
        self[name] = contents[name]
        self.modified = was_modified
        return True

    def rotate_to_locked_key(self) -> None:
        """Continue under the key derived for a lock.

        A request sent with the old cookie before the new one arrived finds the session there: it
        reauthenticates instead of signing in again.

        A session that another request has ended or rotated stays as it is. A copy would be signed
        in under a key that no browser of the owner knows.
        """
        before = self.session_key
        if before is not None:
            self._rotate_to(_locked_key(before), before)

    def rotate_to_derived_key(self) -> None:
        """Continue under the key derived from this one.

        A concurrent request with the same cookie derives the same key, so both continue in one
        session. Call this only after the request itself has proved who sends it: a copied cookie
        alone must not follow.
        """
        before = self.session_key
        # An unsaved session gets a key of its own when it is saved.
        if before is not None:
            self._rotate_to(_derived_key(before), before, _derived_key(before))

    def _rotate_to(self, key: str, *candidates: str | None) -> None:
        """Continue under this key, from the first of the candidates that still has a row."""
        before, contents = self.session_key, dict(self.items())
        self._session_key = key
        if not any(self._update_row(each, contents) for each in candidates):
            self._session_key = before
        self.modified = True

    def _update_row(self, key: str | None, contents: dict[str, Any]) -> bool:
        """Save contents and current key to the row with this key. Return False without a row."""
        row = self.create_model_instance(contents)
        # A single UPDATE is atomic by itself; Django's save() adds a transaction around it.
        updated: int = Session.objects.filter(session_key=key).update(
            session_key=row.session_key,
            session_data=row.session_data,
            expire_date=row.expire_date,
            owner=row.owner_id,
            entries_end_at=row.entries_end_at,
        )
        return updated > 0

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        row = cast(Session, super().create_model_instance(data))
        row.owner_id = data.get(SESSION_KEY)
        row.entries_end_at = expiring_session_entries.next_end(data)
        return row

    def set_absolute_expiry(self, at: datetime, *, persistent: bool) -> None:
        """Expire at this moment however often the session is used.

        The cookie of a persistent session survives the closing of the browser.
        """
        self[ENDS_AT] = at.timestamp()
        self[PERSISTENT] = persistent

    def get_expiry_date(self, **kwargs: Any) -> datetime:
        ends_at = self.get(ENDS_AT)
        if ends_at is None:
            return super().get_expiry_date(**kwargs)
        return datetime.fromtimestamp(ends_at, UTC)

    def get_expiry_age(self, **kwargs: Any) -> int:
        """Return the remaining seconds."""
        if ENDS_AT not in self:
            return int(super().get_expiry_age(**kwargs))
        return max(0, int((self.get_expiry_date() - timezone.now()).total_seconds()))

    def get_expire_at_browser_close(self) -> bool:
        return not self.get(PERSISTENT, False)


class SessionMiddleware(DjangoSessionMiddleware):
    """Django's session middleware with a signed cookie."""

    def process_request(self, request: HttpRequest) -> None:
        request.session = SessionStore(key_in(request.COOKIES.get(settings.SESSION_COOKIE_NAME)))

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        try:
            response = super().process_response(request, response)
        except SessionInterrupted:
            # Another request has ended or locked the session. The response stands, only the changes
            # to the session are lost. Leave the cookie: it may be a newer one by now.
            return response
        cookie = response.cookies.get(settings.SESSION_COOKIE_NAME)
        if cookie and cookie.value:
            response.cookies[settings.SESSION_COOKIE_NAME] = cookie_for(cookie.value)
        elif cookie and not request.session.modified:
            # The session was not found, perhaps because another tab has just locked it under a new
            # key. Deleting the cookie would delete the new one.
            del response.cookies[settings.SESSION_COOKIE_NAME]
        return response
