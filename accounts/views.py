import time
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

from allauth.account import app_settings
from allauth.account import views as allauth
from allauth.account.internal.flows.email_verification_by_code import (
    EMAIL_VERIFICATION_CODE_SESSION_KEY,
)
from allauth.account.internal.flows.password_reset_by_code import (
    PASSWORD_RESET_VERIFICATION_SESSION_KEY,
)
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

# Fields of our forms that hold nothing anyone wrote.
CHOSEN = frozenset({"id", "state", "hour", "zone", "time_zone", "language"})
NOT_WRITING = CHOSEN | {"csrfmiddlewaretoken", "next", "action", "version"}


@require_safe
def email(request: HttpRequest) -> HttpResponse:
    """In the place of allauth's page: the address can be seen and not yet changed."""
    return render(request, "account/email.html")


@login_not_required
@never_cache
def confirm_email(request: HttpRequest) -> HttpResponse:
    """allauth's page for the first code. It says when a code has run out, and a code that was
    sent again lasts as long as its mail promises."""
    key = EMAIL_VERIFICATION_CODE_SESSION_KEY
    if _ran_out(request, key, app_settings.EMAIL_VERIFICATION_BY_CODE_TIMEOUT):
        messages.warning(request, _("That code has run out. Sign in, and a new one is sent."))
    sent_again = request.session.get(key, {}).get("resend_count")
    response: HttpResponse = allauth.email_verification_sent(request)
    state = request.session.get(key)
    if state and state["resend_count"] != sent_again:
        request.session[key] = state | {"at": time.time()}
    return response


@login_not_required
@never_cache
def confirm_reset(request: HttpRequest) -> HttpResponse:
    """allauth's page for the code of a new password, saying when the code has run out."""
    if _reset_ran_out(request):
        return _ask_again(request)
    response: HttpResponse = allauth.confirm_password_reset_code(request)
    return response


@login_not_required
@never_cache
def complete_reset(request: HttpRequest) -> HttpResponse:
    """allauth's page for the new password itself, within the time the code gave."""
    if _reset_ran_out(request):
        return _ask_again(request)
    response: HttpResponse = allauth.complete_password_reset(request)
    return response


@never_cache
def locked(request: HttpRequest) -> HttpResponse:
    """What a locked session answers when something is sent to it: nothing is kept, and what they
    wrote goes back to them. Reached through LockMiddleware only."""
    context = {"texts": list(_writing(request)), "back": _page_before(request)}
    return render(request, "account/locked.html", context, status=403)


@login_not_required
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form whose page was too old. Nothing is kept, and what they wrote goes back to them."""
    context = {"texts": list(_writing(request))}
    return render(request, "403_csrf.html", context, status=403)


def signed_out(request: HttpRequest) -> HttpResponse:
    """Something was sent after the session had ended. Reached through SignInMiddleware only."""
    context = {"texts": list(_writing(request)), "back": _page_before(request)}
    return render(request, "account/signed_out.html", context, status=403)


def closed(request: HttpRequest) -> HttpResponse:
    """What someone wrote does not open. It stays as it is; what they sent goes back to them."""
    sent = request.method == "POST"
    context = {"texts": list(_writing(request)) if sent else []}
    return render(request, "closed.html", context, status=503 if sent else 200)


def _ran_out(request: HttpRequest, key: str, seconds: int) -> bool:
    state = request.session.get(key)
    return state is not None and time.time() - state["at"] > seconds


def _reset_ran_out(request: HttpRequest) -> bool:
    return _ran_out(
        request,
        PASSWORD_RESET_VERIFICATION_SESSION_KEY,
        app_settings.PASSWORD_RESET_BY_CODE_TIMEOUT,
    )


def _ask_again(request: HttpRequest) -> HttpResponse:
    del request.session[PASSWORD_RESET_VERIFICATION_SESSION_KEY]
    messages.warning(request, _("That code has run out. You can ask for a new one here."))
    return redirect("account_reset_password")


def has_writing(request: HttpRequest) -> bool:
    return next(_writing(request), None) is not None


def _writing(request: HttpRequest) -> Iterator[str]:
    for name, values in request.POST.lists():
        if name not in NOT_WRITING and "password" not in name:
            yield from (value for value in values if value.strip())


def _page_before(request: HttpRequest) -> str:
    """The page of ours they came from. Many addresses that take a form show nothing themselves."""
    with suppress(ValueError):
        referrer = urlsplit(request.headers.get("Referer", ""))
        if referrer.netloc == request.get_host():
            return referrer.path
    return reverse("home:today")
