"""Pages for what went wrong. Nothing anyone wrote is lost at a door that has closed, on a page too
old or in a fault of ours: it goes back to them in a form that can be sent again."""

import sys
from contextlib import suppress
from dataclasses import replace

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.contrib.messages.storage import default_storage
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.models import User
from accounts.returned_forms import has_writing, page_before, returned_form
from accounts.sessions.lock import is_locked
from safety.context_processors import site
from safety.request_id import request_id


def sent_too_late(request: HttpRequest) -> HttpResponse | None:
    """For a page that visitors may open too: the answer to somebody whose session was locked or
    ended meanwhile. Whoever never had one is answered by the page itself."""
    if request.user.is_authenticated or request.method != "POST" or not has_writing(request):
        return None
    if is_locked(request):
        return locked(request)
    return signed_out(request) if settings.SESSION_COOKIE_NAME in request.COOKIES else None


@never_cache
def locked(request: HttpRequest) -> HttpResponse:
    """Something was sent while the session is locked. Reached through LockMiddleware only."""
    context = {"again": returned_form(request), "back": page_before(request)}
    return render(request, "account/locked.html", context, status=403)


def signed_out(request: HttpRequest) -> HttpResponse:
    """Something was sent after the session had ended. Reached through SignInMiddleware only."""
    context = {"again": returned_form(request), "back": page_before(request)}
    return render(request, "account/signed_out.html", context, status=403)


def is_erased(request: HttpRequest) -> bool:
    """Whether whoever is signed in here has no account any more."""
    person = request.user
    return person.is_authenticated and not User.objects.filter(pk=person.pk).exists()


def erased(request: HttpRequest) -> HttpResponse:
    """Something was sent in the very moment in which the account was erased elsewhere."""
    logout(request)
    # What was about to be said is not true any more.
    request._messages = default_storage(request)  # type: ignore[attr-defined]
    again = returned_form(request)
    # There is nothing left that it could be sent to.
    context = {"again": again and replace(again, is_ours=False)}
    return render(request, "account/erased.html", context, status=403)


@login_not_required
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form whose page was too old, or was not ours."""
    return render(request, "403_csrf.html", {"again": returned_form(request)}, status=403)


def cannot_open(request: HttpRequest) -> HttpResponse:
    """What someone wrote does not open, and stays as it is."""
    if is_erased(request):
        return erased(request)
    status = 503 if request.method == "POST" else 200
    return render(request, "closed.html", {"again": returned_form(request)}, status=status)


def not_kept() -> str:
    """To be said on the page on which somebody wrote, where nothing can be sealed."""
    return _("What you wrote is here, but not kept yet. Your key does not open at the moment.")


class NotHere(Http404):
    """Something of theirs that is gone, as after a second tap, or that never was."""


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """There is nothing here any more that it could be sent to, so it can only be copied."""
    context: dict[str, object] = {"is_gone": isinstance(exception, NotHere)}
    # A form that cannot be read has nothing to give back.
    with suppress(Exception):
        again = returned_form(request)
        context["again"] = again and replace(again, is_ours=False)
    return render(request, "404.html", context, status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """For nobody in particular: asking who it is may be what broke, as may the database."""
    context: dict[str, object] = site(None) | {"request_id": request_id()}
    # Whatever broke may break here again; the page itself has to come.
    with suppress(Exception):
        context |= {"again": returned_form(request), "csrf_token": get_token(request)}
    # A database that is away comes back: whoever asks is told to ask again, and machines too.
    is_away = isinstance(sys.exception(), (OperationalError, InterfaceError))
    headers = {"Retry-After": "30"} if is_away else {}
    page = render_to_string("500.html", context)
    return HttpResponse(page, status=503 if is_away else 500, headers=headers)
