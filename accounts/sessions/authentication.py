"""Who comes with a session: read in one statement with it, proved by Django as ever."""

from contextvars import ContextVar

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.middleware import AuthenticationMiddleware as PlainMiddleware
from django.contrib.auth.middleware import get_user
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.models import User

# For as long as Django asks who somebody is; the backend then has them at hand.
_came: ContextVar[User | None] = ContextVar("came", default=None)


def who_came(id: object) -> User | None:
    """The person of this id, where they came with the session that is being looked at."""
    person = _came.get()
    return person if person is not None and person.pk == id else None


class AuthenticationMiddleware(PlainMiddleware):
    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        request.user = SimpleLazyObject(lambda: _person_of(request))  # type: ignore[assignment]


def _person_of(request: HttpRequest) -> object:
    session = request.session
    # Only a session that was asked something has read its row.
    session.get(SESSION_KEY)
    token = _came.set(getattr(session, "loaded_owner", None))
    try:
        return get_user(request)
    finally:
        _came.reset(token)
