from collections.abc import Callable
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import urlencode

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.middleware import get_user
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from accounts.error_views import locked
from accounts.sessions.idle_lock import is_locked, lock_if_idle, set_activity_cookie
from vault.sessions import SessionStore

# The URL names of the views that see the session's owner even while it is locked.
OPEN_WHILE_LOCKED = frozenset(
    {
        "account_reauthenticate",
        "account_logout",
        "mfa_reauthenticate",
        "mfa_reauthenticate_webauthn",
    }
)


class SessionLockMiddleware:
    """Lock idle sessions, and treat the user of a locked session as anonymous.

    Comes before LoginRequiredMiddleware: a locked session reauthenticates, it does not sign in
    again.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated and _is_unlocked_by_old_key(request):
            request.session, request.user = SessionStore(), AnonymousUser()
        is_cookie_recent, key = False, request.session.session_key
        if request.user.is_authenticated and not is_locked(request):
            is_cookie_recent = lock_if_idle(request, request.user, now=timezone.now())
        was_locked = is_locked(request)
        if was_locked:
            request.user = AnonymousUser()
        response = self.get_response(request)
        if was_locked and SESSION_KEY in request.session and not is_locked(request):
            # Change the key, or a copied cookie of the locked session is unlocked with the owner's.
            # A double click posts the password twice and drops the first response: both requests
            # must move to the same key.
            cast(SessionStore, request.session).rotate_to_derived_key()
        # The cookie is valid for one session key only.
        is_cookie_recent = is_cookie_recent and request.session.session_key == key
        # Pages retry a failed autosave by themselves: that is no activity of the person.
        has_failed = response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
        if (
            not (is_cookie_recent or has_failed)
            and request.user.is_authenticated
            and not is_locked(request)
        ):
            set_activity_cookie(request, response, now=timezone.now())
        return response

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponse],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> HttpResponse | None:
        if not is_locked(request):
            return None
        if request.resolver_match and request.resolver_match.view_name in OPEN_WHILE_LOCKED:
            request.user = get_user(request)
            return None
        if not getattr(view, "login_required", True):
            return None
        if request.method in ("GET", "HEAD"):
            back = urlencode({"next": request.get_full_path()})
            return HttpResponseRedirect(f"{reverse('account_reauthenticate')}?{back}")
        return locked(request)


def _is_unlocked_by_old_key(request: HttpRequest) -> bool:
    """A cookie from before a lock leads to the lock, never past it."""
    return cast(SessionStore, request.session).found_by_old_key and not is_locked(request)
