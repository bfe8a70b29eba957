"""Error pages. They give a form back that was posted too late, from an old page or into an error
of ours, so that its sender loses nothing they wrote, and nobody else reads it."""

import sys
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.contrib.messages import get_messages
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.models import User
from accounts.returned_forms import is_withheld, page_before, returned_form, sealed_form
from accounts.sessions.devices import clear_site_data
from accounts.sessions.idle_lock import is_locked
from safety.context_processors import site
from safety.request_id import request_id
from vault.primary_key_check import CannotSeal
from vault.sealing import CannotOpen


def withheld(request: HttpRequest) -> HttpResponse:
    """A form was posted whose owner is not proven. Nothing of it is shown."""
    if is_locked(request):
        return locked(request)
    if request.user.is_authenticated:
        return someone_else(request, _what_was_sent(request)["sealed"])
    return signed_out(request)


@never_cache
def locked(request: HttpRequest) -> HttpResponse:
    """A form was posted in a locked session."""
    context = _what_was_sent(request) | {"back": page_before(request)}
    return render(request, "account/locked.html", context, status=403)


def signed_out(request: HttpRequest) -> HttpResponse:
    """A form was posted after the session had ended."""
    context = _what_was_sent(request) | {"back": page_before(request)}
    return render(request, "account/signed_out.html", context, status=403)


def someone_else(request: HttpRequest, sealed: str) -> HttpResponse:
    """A form was posted, or waits, that another person has written."""
    return render(request, "account/someone_else.html", {"sealed": sealed}, status=403)


def _what_was_sent(request: HttpRequest, *, can_be_sent: bool = True) -> dict[str, Any]:
    """Return the posted form for a template: readable for its proven owner, else sealed."""
    sealed = ""
    # Without a master key that seals, nothing can be given back, and the page is needed all the
    # same.
    with suppress(CannotOpen):
        sealed = sealed_form(request, now=timezone.now(), can_be_sent=can_be_sent)
    return {"again": returned_form(request, can_be_sent=can_be_sent), "sealed": sealed}


def is_erased(request: HttpRequest) -> bool:
    """Whether the signed-in account was deleted by another request meanwhile."""
    person = request.user
    return person.is_authenticated and not User.objects.filter(pk=person.pk).exists()


def erased(request: HttpRequest) -> HttpResponse:
    """A form was posted while another request erased the account: it can only be copied."""
    logout(request)
    # Drop the messages of this request, such as “It is kept”: they are no longer true.
    list(get_messages(request))
    context = _what_was_sent(request, can_be_sent=False) | {"messages": ()}
    response = render(request, "account/erased.html", context, status=403)
    clear_site_data(response)
    return response


@login_not_required
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form came from an old page, from another site, or from a browser without cookies."""
    if is_withheld(request):
        return withheld(request)
    has_cookie = settings.CSRF_COOKIE_NAME in request.COOKIES
    context = _what_was_sent(request) | {"has_cookie": has_cookie}
    return render(request, "403_csrf.html", context, status=403)


def cannot_open(request: HttpRequest) -> HttpResponse:
    """What a person wrote could not be decrypted; it stays stored as it is."""
    if is_erased(request):
        return erased(request)
    status = 503 if request.method == "POST" else 200
    return render(request, "closed.html", _what_was_sent(request), status=status)


def not_saved_message() -> str:
    """For the page on which a person wrote, when their key cannot be opened."""
    return _("What you wrote is here, but not saved yet. Your key does not open at the moment.")


def quota_exceeded_message() -> str:
    return _(
        "There is no room for more words here, so these are not saved yet. "
        "What you delete makes room."
    )


def quota_nearly_full_message() -> str:
    return _("There is little room left here. What you delete makes room.")


class Gone(Http404):
    """The person's own item does not exist any more, as after a second tap, or never did."""


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    context: dict[str, object] = {"is_gone": isinstance(exception, Gone)}
    # A body that cannot be parsed has nothing to give back.
    with suppress(Exception):
        # There is no view here to send it to again: it can only be copied.
        context |= _what_was_sent(request, can_be_sent=False)
    return render(request, "404.html", context, status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Rendered without request.user and database: either may be what failed."""
    context: dict[str, object] = site(None) | {"request_id": request_id()}
    # Giving the form back may fail as the view did, and the page is needed all the same.
    with suppress(Exception):
        context |= _what_was_sent(request) | {"csrf_token": get_token(request)}
    # Database and master key are expected back soon: people and machines may retry.
    may_retry = isinstance(sys.exception(), (OperationalError, InterfaceError, CannotSeal))
    headers = {"Retry-After": "30"} if may_retry else {}
    page = render_to_string("500.html", context)
    return HttpResponse(page, status=503 if may_retry else 500, headers=headers)
