"""Decorators that ask for a recent proof of identity before a change of how a person signs in.

allauth suspends the request that was posted to such a page, and carries it out once the password
was typed. But an intruder may have posted it on an unlocked device, and the owner types the
password: so nothing that was posted is stored here. The owner comes back to the empty page and
reads that nothing was done.
"""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any, cast
from urllib.parse import urlencode

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.account.views import ReauthenticateView
from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.allauth_internals import (
    REAUTHENTICATION_STATE_SESSION_KEY,
    did_recently_reauthenticate,
    record_authentication,
)
from accounts.mfa.adapter import has_proved_second_factor, has_second_factor, second_factor_url
from accounts.models import User

View = Callable[..., HttpResponse]


def recent_proof_required(view: View, *, page: str = "") -> View:
    """Require the password or a second factor, shown a moment ago. Where the view answers POST
    only, `page` is the URL name of the page to come back to."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if did_recently_reauthenticate(request):
            return view(request, *args, **kwargs)
        url = get_adapter().get_reauthentication_methods(request.user)[0]["url"]
        return _redirect_to_reauthenticate(request, url, page)

    return wrapper


def recent_second_factor_required(view: View) -> View:
    """Require the second factor, shown a moment ago, from a person who has one: their session may
    be older than the factor, and an intruder may know the password."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        person = cast(User, request.user)
        since = time.time() - app_settings.REAUTHENTICATION_TIMEOUT
        if not has_second_factor(person) or has_proved_second_factor(request, since=since):
            return view(request, *args, **kwargs)
        if did_recently_reauthenticate(request):
            messages.info(request, _("For this page your password alone is not enough."))
        return _redirect_to_reauthenticate(request, second_factor_url(person))

    return wrapper


def recent_full_proof_required(view: View) -> View:
    """Require the strongest proof the person has: the second factor, or else the password. A second
    factor counts as a recent proof too, so nobody is asked for both."""
    return recent_second_factor_required(recent_proof_required(view))


def record_setup_as_proof(request: HttpRequest, factor: Authenticator) -> None:
    """Setting a factor up has just shown it: do not ask for it on the next page."""
    record_authentication(
        request, request.user, "mfa", id=factor.pk, type=factor.type, reauthenticated=True
    )


def _redirect_to_reauthenticate(request: HttpRequest, url: str, page: str = "") -> HttpResponse:
    back = reverse(page) if page else request.get_full_path()
    # In place of the suspended request, store only that there was one.
    request.session.pop(REAUTHENTICATION_STATE_SESSION_KEY, None)
    if request.method == "POST":
        request.session[REAUTHENTICATION_STATE_SESSION_KEY] = {"not_done": True}
    return redirect(f"{url}?{urlencode({'next': back})}")


class WithoutResume:
    """Mixin for allauth's reauthentication views: say that the suspended request was not done."""

    request: HttpRequest

    def form_valid(self, form: Any) -> HttpResponse:
        if self.request.session.pop(REAUTHENTICATION_STATE_SESSION_KEY, None):
            messages.info(
                self.request, _("That was not done yet. Send it once more if you still want it.")
            )
        response: HttpResponse = super().form_valid(form)  # type: ignore[misc]
        return response


class ReauthenticateByPassword(WithoutResume, ReauthenticateView):
    pass


def reauthenticate(request: HttpRequest) -> HttpResponse:
    response: HttpResponse = ReauthenticateByPassword.as_view()(request)
    return response
