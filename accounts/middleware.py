from collections.abc import Callable
from contextlib import ExitStack
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import urlencode

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.middleware import LoginRequiredMiddleware, get_user
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone, translation

from accounts.error_views import locked, signed_out
from accounts.returned_forms import has_writing
from accounts.sessions.lock import attend, is_locked, note_presence
from vault.sessions import SessionStore

GetResponse = Callable[[HttpRequest], HttpResponse]

# The pages that need to know whose session it is, locked or not.
DOORS = frozenset(
    {
        "account_reauthenticate",
        "account_logout",
        "mfa_reauthenticate",
        "mfa_reauthenticate_webauthn",
    }
)


class PersonMiddleware:
    """Speaks a person's language in their time zone, and notes that they were here."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with ExitStack() as theirs:
            if request.user.is_authenticated:
                theirs.enter_context(translation.override(request.user.spoken))
                theirs.enter_context(timezone.override(request.user.zone))
            response = self.get_response(request)
        if response.status_code < 400 and request.user.is_authenticated and not is_locked(request):
            request.user.visited(now=timezone.now())
        return response


class SignInMiddleware(LoginRequiredMiddleware):
    """Private unless a view says otherwise. What someone wrote is never lost on the way to the
    door: a form that comes after the session has ended is shown again, to copy."""

    # The stubs know only of a redirect.
    def handle_no_permission(  # type: ignore[override]
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponseBase:
        if request.method == "POST" and has_writing(request):
            return signed_out(request)
        return super().handle_no_permission(request, view_func)


class LockMiddleware:
    """While the session is locked nobody is signed in. Stands above LoginRequiredMiddleware,
    so that private pages ask for the password and not for a new sign-in."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated and _is_unlocked_by_old_key(request):
            request.session, request.user = SessionStore(), AnonymousUser()
        is_noted, key = False, request.session.session_key
        if request.user.is_authenticated and not is_locked(request):
            is_noted = attend(request, request.user, now=timezone.now())
        was_locked = is_locked(request)
        if was_locked:
            request.user = AnonymousUser()
        response = self.get_response(request)
        if was_locked and SESSION_KEY in request.session and not is_locked(request):
            # Whoever copied the cookie of the locked session does not come in with its owner. A
            # second click does, having brought the password too: browsers drop the first answer.
            cast(SessionStore, request.session).rotate_to_derived_key()
        # The note is good for one key only.
        is_noted = is_noted and request.session.session_key == key
        # What failed is sent again by the page itself, for ever: that is no sign of anybody.
        has_failed = response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
        if (
            not (is_noted or has_failed)
            and request.user.is_authenticated
            and not is_locked(request)
        ):
            note_presence(request, response, now=timezone.now())
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
        if request.resolver_match and request.resolver_match.view_name in DOORS:
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


class HeadMiddleware:
    """A HEAD is a GET without its body. Views see a GET, because allauth's limits and forms take
    everything else for something that was sent."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method != "HEAD":
            return self.get_response(request)
        request.method = "GET"
        try:
            return self.get_response(request)
        finally:
            request.method = "HEAD"
