"""Nothing anyone wrote is lost at a door that has closed, on a page too old or in a fault of ours:
what was sent is stored nowhere, and goes back to them in a form that can be sent again."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.contrib.messages.storage import default_storage
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.lock import is_locked
from accounts.models import User
from safety.context import site
from safety.requests import request_id

# Fields of our forms that hold nothing anyone wrote.
NOT_WRITING = frozenset(
    {"id", "state", "hour", "zone", "time_zone", "language", "after", "consent", "next", "version"}
    # Of a letter.
    | {"kind", "revision", "answers", "since", "then", "keep", "day", "tell_hour", "leaves_line"}
    | {"sitting", "turn", "waited"}
)
# On allauth’s own pages. An exercise may call a field of words the same.
NOT_WRITING_AT_THE_DOOR = NOT_WRITING | {"action", "code", "credential"}


@dataclass(frozen=True)
class Sent:
    name: str
    value: str
    is_writing: bool


@dataclass(frozen=True)
class Again:
    """A form as it was sent, but for its token and its passwords."""

    address: str
    fields: list[Sent]
    # Whether one of our own pages sent it. Another site’s form is shown, not offered to be sent.
    is_ours: bool


def has_writing(request: HttpRequest) -> bool:
    return any(field.is_writing for field in _sent(request))


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
    context = {"again": _again(request), "back": _page_before(request)}
    return render(request, "account/locked.html", context, status=403)


def signed_out(request: HttpRequest) -> HttpResponse:
    """Something was sent after the session had ended. Reached through SignInMiddleware only."""
    context = {"again": _again(request), "back": _page_before(request)}
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
    again = _again(request)
    # There is nothing left that it could be sent to.
    context = {"again": again and replace(again, is_ours=False)}
    return render(request, "account/erased.html", context, status=403)


@login_not_required
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form whose page was too old, or was not ours."""
    return render(request, "403_csrf.html", {"again": _again(request)}, status=403)


def closed(request: HttpRequest) -> HttpResponse:
    """What someone wrote does not open, and stays as it is."""
    if is_erased(request):
        return erased(request)
    status = 503 if request.method == "POST" else 200
    return render(request, "closed.html", {"again": _again(request)}, status=status)


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
        again = _again(request)
        context["again"] = again and replace(again, is_ours=False)
    return render(request, "404.html", context, status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """For nobody in particular: asking who it is may be what broke, as may the database."""
    context: dict[str, object] = site(None) | {"request_id": request_id()}
    # Whatever broke may break here again; the page itself has to come.
    with suppress(Exception):
        context |= {"again": _again(request), "csrf_token": get_token(request)}
    # A database that is away comes back: whoever asks is told to ask again, and machines too.
    is_away = isinstance(sys.exception(), (OperationalError, InterfaceError))
    headers = {"Retry-After": "30"} if is_away else {}
    page = render_to_string("500.html", context)
    return HttpResponse(page, status=503 if is_away else 500, headers=headers)


def _again(request: HttpRequest) -> Again | None:
    if not has_writing(request):
        return None
    return Again(request.get_full_path(), list(_sent(request)), _is_ours(request))


def _sent(request: HttpRequest) -> Iterator[Sent]:
    at_the_door = request.path.startswith(reverse("account_index"))
    known = NOT_WRITING_AT_THE_DOOR if at_the_door else NOT_WRITING
    for name, values in request.POST.lists():
        if name != "csrfmiddlewaretoken" and "password" not in name:
            for value in values:
                yield Sent(name, value, name not in known and bool(value.strip()))


def _is_ours(request: HttpRequest) -> bool:
    """Browsers say where a form comes from, in one of these ways."""
    said = request.headers.get("Origin") or request.headers.get("Referer", "")
    with suppress(ValueError):
        return urlsplit(said).netloc == request.get_host()
    return False


def _page_before(request: HttpRequest) -> str:
    """The page of ours they came from. Many addresses that take a form show nothing themselves."""
    with suppress(ValueError):
        referrer = urlsplit(request.headers.get("Referer", ""))
        if referrer.netloc == request.get_host() and not referrer.path.startswith("//"):
            return referrer.path
    return reverse("home:today")
