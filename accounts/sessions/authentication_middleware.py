"""Authentication by the account that was read together with the session.

`vault.sessions` reads the session's owner and their key in the statement that reads the session.
Django then asks the backend for the user by id, which would be another query: the backend takes the
owner from here instead. Django still verifies the session's hash, and the backend still checks that
the account is active.
"""

from contextvars import ContextVar

from django.contrib.auth import middleware
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from accounts.models import User

# Set only while Django looks up the user of this session.
_session: ContextVar[SessionBase | None] = ContextVar("session", default=None)


def session_owner(id: object) -> User | None:
    """Return the owner of the session being authenticated if it is the account with this id."""
    person: User | None = getattr(_session.get(), "loaded_owner", None)
    return person if person is not None and person.pk == id else None


class AuthenticationMiddleware(middleware.AuthenticationMiddleware):
    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        token = _session.set(request.session)
        try:
            # Not lazily, as Django does: the next middleware asks for the user on every request,
            # and each attribute of a lazy object takes a detour.
            request.user = middleware.get_user(request)
        finally:
            _session.reset(token)
