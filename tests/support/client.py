"""The test client that every test uses, and the password of the people in the suite."""

from django.conf import settings
from django.test import Client as DjangoClient

from accounts.models import User
from vault.sessions import SessionStore, cookie_for, key_in

PASSWORD = "quiet harbour 42"


class Client(DjangoClient):
    """Django's client, but with the session cookie signed as the product signs it."""

    @property
    def session(self) -> SessionStore:
        cookie = self.cookies.get(settings.SESSION_COOKIE_NAME)
        if key := key_in(cookie.value if cookie else None):
            return SessionStore(key)
        session = SessionStore()
        session.save()
        self._set_session_key(session.session_key)
        return session

    def force_login(self, user: User, backend: str | None = None) -> None:
        super().force_login(user, backend)
        # Django has set the bare key.
        self._set_session_key(self.cookies[settings.SESSION_COOKIE_NAME].value)

    def _set_session_key(self, key: str | None) -> None:
        assert key
        self.cookies[settings.SESSION_COOKIE_NAME] = cookie_for(key)
