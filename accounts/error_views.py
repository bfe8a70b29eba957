"""Error pages. They give a form back that was posted too late, from an old page or into an error
of ours, so that its sender loses nothing they wrote."""

import sys
from contextlib import suppress
from dataclasses import replace

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.contrib.messages import get_messages
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.models import User
from accounts.returned_forms import has_writing, page_before, returned_form
from accounts.sessions.devices import clear_site_data
from accounts.sessions.idle_lock import is_locked
from safety.context_processors import site
from safety.request_id import request_id


def sent_too_late(request: HttpRequest) -> HttpResponse | None:
    """For views that are open to visitors: return the page for a form that was posted after its
    sender's session was locked or had ended, None for every other request."""
    if request.user.is_authenticated or request.method != "POST" or not has_writing(request):
        return None
    if is_locked(request):
        return locked(request)
    return signed_out(request) if settings.SESSION_COOKIE_NAME in request.COOKIES else None


@never_cache
def locked(request: HttpRequest) -> HttpResponse:
    """A form was posted in a locked session."""
    context = {"again": returned_form(request), "back": page_before(request)}
    return render(request, "account/locked.html", context, status=403)


def signed_out(request: HttpRequest) -> HttpResponse:
    """A form was posted after the session had ended."""
    context = {"again": returned_form(request), "back": page_before(request)}
    return render(request, "account/signed_out.html", context, status=403)


def is_erased(request: HttpRequest) -> bool:
    """Whether the signed-in account was deleted by another request meanwhile."""
    person = request.user
    return person.is_authenticated and not User.objects.filter(pk=person.pk).exists()


def erased(request: HttpRequest) -> HttpResponse:
    """A form was posted while another request erased the account: it can only be copied."""
    logout(request)
    # Drop the messages of this request, such as “It is kept”: they are no longer true.
    list(get_messages(request))
    again = returned_form(request)
    context = {"again": again and replace(again, is_ours=False), "messages": ()}
    response = render(request, "account/erased.html", context, status=403)
    clear_site_data(response)
    return response


@login_not_required
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form came from an old page, or from another site."""
    return render(request, "403_csrf.html", {"again": returned_form(request)}, status=403)


def cannot_open(request: HttpRequest) -> HttpResponse:
    """What a person wrote could not be decrypted; it stays stored as it is."""
    if is_erased(request):
        return erased(request)
    status = 503 if request.method == "POST" else 200
    return render(request, "closed.html", {"again": returned_form(request)}, status=status)


def not_saved_message() -> str:
    """For the page on which a person wrote, when their key cannot be opened."""
    return _("What you wrote is here, but not kept yet. Your key does not open at the moment.")


class Gone(Http404):
    """The person's own item does not exist any more, as after a second tap, or never did."""


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    context: dict[str, object] = {"is_gone": isinstance(exception, Gone)}
    # A body that cannot be parsed has nothing to give back.
    with suppress(Exception):
        again = returned_form(request)
        # There is no view here to send it to again: it can only be copied.
        context["again"] = again and replace(again, is_ours=False)
    return render(request, "404.html", context, status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Rendered without request.user and database: either may be what failed."""
    context: dict[str, object] = site(None) | {"request_id": request_id()}
    # Giving the form back may fail as the view did, and the page is needed all the same.
    with suppress(Exception):
        context |= {"again": returned_form(request), "csrf_token": get_token(request)}
    is_database_down = isinstance(sys.exception(), (OperationalError, InterfaceError))
    # The database is expected back soon: people and machines may retry.
    headers = {"Retry-After": "30"} if is_database_down else {}
    page = render_to_string("500.html", context)
    return HttpResponse(page, status=503 if is_database_down else 500, headers=headers)
