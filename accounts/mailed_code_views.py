"""Pages that ask for a mailed code."""

import time
from uuid import uuid4

from allauth.account import app_settings
from allauth.account import views as allauth
from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts import decoy_queries, mailed_code_attempts
from accounts.allauth_internals import (
    EMAIL_VERIFICATION_CODE_SESSION_KEY,
    PASSWORD_RESET_VERIFICATION_SESSION_KEY,
    CodeState,
    EmailVerificationProcess,
    PasswordResetVerificationProcess,
    clear_login,
)
from accounts.mail_rate_limits import mail_refusal
from accounts.models import UserManager
from accounts.unverified import get_for_update


@login_not_required
@never_cache
def confirm_email(request: HttpRequest) -> HttpResponse:
    """allauth's page for the code that verifies an address. Ours says when a code has expired, and
    a code that was sent again lasts as long as its mail says."""
    key = EMAIL_VERIFICATION_CODE_SESSION_KEY
    seconds = app_settings.EMAIL_VERIFICATION_BY_CODE_TIMEOUT
    if _is_expired(request, key, seconds) or _is_code_invalid(request, key):
        request.session.pop(key)
        messages.warning(request, _expired_message(request))
        if request.user.is_anonymous:
            clear_login(request)
    process = EmailVerificationProcess.resume(request)
    if refused := mailed_code_attempts.refuse_excess_guess(request, process):
        return refused
    before: CodeState | None = request.session.get(key)
    is_resend = request.method == "POST" and request.POST.get("action") == "resend"
    if before and is_resend and (refusal := mail_refusal(request, before["email"])):
        messages.warning(request, refusal)
        return redirect(request.get_full_path())
    if before and _has_no_account(before):
        decoy_queries.make_decoy_queries(decoy_queries.QUERIES_ON_CODE_PAGE)
    # allauth changes the state in place.
    resend_count = before and before["resend_count"]
    response: HttpResponse = allauth.email_verification_sent(request)
    state: CodeState | None = request.session.get(key)
    if state and state["resend_count"] != resend_count:
        _after_resend(request, state)
    return response


def _after_resend(request: HttpRequest, state: CodeState) -> None:
    restarted = mailed_code_attempts.restarted(state, at=time.time())
    request.session[EMAIL_VERIFICATION_CODE_SESSION_KEY] = restarted
    if _has_no_account(state):
        # allauth sends no second mail here, which would reveal that there is an account already.
        decoy_queries.make_decoy_queries(decoy_queries.QUERIES_WHEN_RESENT)
        get_adapter().send_account_already_exists_mail(state["email"])


@login_not_required
@never_cache
def confirm_reset(request: HttpRequest) -> HttpResponse:
    """allauth's page for the code of a password reset. Ours says when the code has expired."""
    if _is_reset_expired(request):
        return _restart_reset(request)
    process = PasswordResetVerificationProcess.resume(request)
    if refused := mailed_code_attempts.refuse_excess_guess(request, process):
        return refused
    response: HttpResponse = allauth.confirm_password_reset_code(request)
    return response


@login_not_required
@never_cache
def complete_reset(request: HttpRequest) -> HttpResponse:
    """allauth's page for the new password. Ours says when its time has expired."""
    if _is_reset_expired(request):
        return _restart_reset(request)
    response: HttpResponse = allauth.complete_password_reset(request)
    return response


def _has_no_account(state: CodeState) -> bool:
    """Whether there is no account: the mail contained no code, so no guess can be right."""
    return "user_id" not in state or decoy_queries.NO_ACCOUNT in state


def _is_expired(request: HttpRequest, key: str, seconds: int) -> bool:
    state: CodeState | None = request.session.get(key)
    return state is not None and time.time() - state["at"] > seconds


def _is_code_invalid(request: HttpRequest, key: str) -> bool:
    """Whether the account of this posted code was erased or replaced by another sign-up, or its
    pending codes were invalidated. If not, locks the account until the request ends, so that the
    code stays valid."""
    state: CodeState | None = request.session.get(key)
    if request.method != "POST" or state is None:
        return False
    # Without an account this queries too, for a random id: the time must not reveal it.
    person = get_for_update(state.get("user_id") or uuid4())
    if _has_no_account(state):
        return False
    if person is None or person.invalidated_pending_since(
        mailed_code_attempts.first_sent_at(state)
    ):
        return True
    # The person has changed their address: the old mailbox must not reset their password.
    is_reset = key == PASSWORD_RESET_VERIFICATION_SESSION_KEY
    return is_reset and person.email != UserManager.normalize_email(state["email"])


def _expired_message(request: HttpRequest) -> str:
    if request.user.is_authenticated:
        return _("That code has run out. You can ask for a new one here.")
    return _("That code has run out. Sign in, and a new one is sent.")


def _is_reset_expired(request: HttpRequest) -> bool:
    key = PASSWORD_RESET_VERIFICATION_SESSION_KEY
    seconds = app_settings.PASSWORD_RESET_BY_CODE_TIMEOUT
    return _is_expired(request, key, seconds) or _is_code_invalid(request, key)


def _restart_reset(request: HttpRequest) -> HttpResponse:
    del request.session[PASSWORD_RESET_VERIFICATION_SESSION_KEY]
    messages.warning(request, _("That code has run out. You can ask for a new one here."))
    return redirect("account_reset_password")
