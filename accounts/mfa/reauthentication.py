"""Being asked again who one is, on the way to what changes how one signs in.

allauth keeps what was sent to such a page, and does it once the password was typed. But whoever
sent it may have found the device unlocked, and it is the owner who types: here nothing that was
sent is kept. They come to the page itself, and are told that it was not done yet.
"""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any, cast
from urllib.parse import urlencode

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import record_authentication
from allauth.account.internal.flows.reauthentication import (
    STATE_SESSION_KEY,
    did_recently_reauthenticate,
)
from allauth.account.views import ReauthenticateView
from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.mfa.adapter import door_of, has_second_factor, has_shown_it
from accounts.models import User

View = Callable[..., HttpResponse]


def password_again(view: View, *, page: str = "") -> View:
    """Open to a proof of a moment ago. Where the view shows no page, `page` names the one that
    leads to it."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if did_recently_reauthenticate(request):
            return view(request, *args, **kwargs)
        door = get_adapter().get_reauthentication_methods(request.user)[0]["url"]
        return _ask(request, door, page)

    return answer


def second_factor_again(view: View) -> View:
    """Open to whoever has no second factor, and to a proof by it of a moment ago: a session may be
    older than it, and a password known to somebody else."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        person = cast(User, request.user)
        since = time.time() - app_settings.REAUTHENTICATION_TIMEOUT
        if not has_second_factor(person) or has_shown_it(request, since=since):
            return view(request, *args, **kwargs)
        if did_recently_reauthenticate(request):
            messages.info(request, _("For this page your password alone is not enough."))
        return _ask(request, door_of(person))

    return answer


def both_again(view: View) -> View:
    """For what changes how one signs in. Whoever shows their second factor at its door is not
    asked for the password too: allauth takes either."""
    return second_factor_again(password_again(view))


def note_set_up(request: HttpRequest, factor: Authenticator) -> None:
    """Setting it up showed it: nobody is asked for it in the next moment."""
    record_authentication(
        request, request.user, "mfa", id=factor.pk, type=factor.type, reauthenticated=True
    )


def _ask(request: HttpRequest, door: str, page: str = "") -> HttpResponse:
    back = reverse(page) if page else request.get_full_path()
    # Where allauth would keep what was sent: only that something was.
    request.session.pop(STATE_SESSION_KEY, None)
    if request.method == "POST":
        request.session[STATE_SESSION_KEY] = {"not_done": True}
    return redirect(f"{door}?{urlencode({'next': back})}")


class NothingResumed:
    """Before each of allauth's pages that ask again."""

    request: HttpRequest

    def form_valid(self, form: Any) -> HttpResponse:
        if self.request.session.pop(STATE_SESSION_KEY, None):
            messages.info(
                self.request, _("That was not done yet. Send it once more if you still want it.")
            )
        response: HttpResponse = super().form_valid(form)  # type: ignore[misc]
        return response


class PasswordAgain(NothingResumed, ReauthenticateView):  # type: ignore[misc]
    pass


def reauthenticate(request: HttpRequest) -> HttpResponse:
    response: HttpResponse = PasswordAgain.as_view()(request)
    return response
