import time
from functools import partial
from typing import Any
from uuid import uuid4

from allauth.account import app_settings
from allauth.account import views as allauth
from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.email_verification_by_code import (
    EMAIL_VERIFICATION_CODE_SESSION_KEY,
    EmailVerificationProcess,
)
from allauth.account.internal.flows.manage_email import add_email, sync_user_email_address
from allauth.account.internal.flows.password_reset_by_code import (
    PASSWORD_RESET_VERIFICATION_SESSION_KEY,
    PasswordResetVerificationProcess,
)
from allauth.account.internal.stagekit import clear_login
from allauth.core import ratelimit
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import actions, code_attempts, enumeration, invitations
from accounts.forms import UNTIL_SIGNED_OUT, LockForm, NewAddressForm
from accounts.mfa.reauthentication import both_again, password_again, second_factor_again
from accounts.models import Activity, UserManager
from accounts.pagination import Listing
from accounts.rate_limits import why_wait
from accounts.request_types import SignedInRequest
from accounts.sessions.devices import devices as devices_of
from accounts.sessions.devices import empty
from accounts.unverified import get_for_update

ACTIVITY = Listing(lambda owner: Activity.objects.of(owner).newest_first(), per_page=20)


@require_http_methods(["GET", "HEAD", "POST"])
@both_again
def email(request: SignedInRequest) -> HttpResponse:
    """In the place of allauth's page, which manages several addresses: here there is one, and it
    changes when the code that was sent to the new one comes back."""
    person = request.user
    form = NewAddressForm(request.POST if request.method == "POST" else None, user=person)
    if form.is_bound and not ratelimit.consume(request, action="manage_email", user=person):
        return render(request, "429.html", status=429)
    if form.is_bound and form.is_valid():
        # Where the old address is nobody's row, nobody would hear of the change there.
        sync_user_email_address(person)
        add_email(request, form)
        return redirect("account_email_verification_sent")
    return render(request, "account/email.html", {"form": form})


@second_factor_again
def change_password(request: SignedInRequest) -> HttpResponse:
    """allauth's page, which asks for the password of now by itself."""
    response: HttpResponse = allauth.password_change(request)
    return response


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_out(request: HttpRequest) -> HttpResponse:
    """allauth's page."""
    # Giving up a sign-in half-way signs nobody out, and words may be waiting for the next try.
    signs_out = request.method == "POST" and request.user.is_authenticated
    response: HttpResponse = allauth.logout(request)
    if signs_out:
        empty(response)
    return response


@require_safe
def index(request: SignedInRequest) -> HttpResponse:
    """Everything about coming in and staying out, each with a page of its own."""
    return render(request, "account/index.html")


@require_http_methods(["GET", "HEAD", "POST"])
@password_again
def lock(request: SignedInRequest) -> HttpResponse:
    """After how many quiet minutes the pages lock."""
    person = request.user
    initial = {"after": person.lock_after or UNTIL_SIGNED_OUT}
    form = LockForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_bound and form.is_valid():
        person.lock_pages(after=form.cleaned_data["after"])
        messages.info(request, _("It is kept, and holds wherever you are signed in."))
        return redirect("account_index")
    return render(request, "account/lock.html", {"form": form})


@require_safe
@password_again
def devices(request: SignedInRequest) -> HttpResponse:
    """Where they are signed in."""
    here = request.session.session_key
    found = devices_of(request.user, here=here, now=timezone.now())
    return render(request, "account/devices.html", {"devices": found})


@require_POST
@partial(password_again, page="account_devices")
def end_device(request: SignedInRequest) -> HttpResponse:
    """Sign out one browser, named by `id`. One that is gone already is what was wanted."""
    actions.end_device(person=request.user, id=request.POST.get("id", ""), now=timezone.now())
    messages.info(request, _("That browser is signed out."))
    return redirect("account_devices")


@require_POST
@partial(password_again, page="account_devices")
def end_other_devices(request: SignedInRequest) -> HttpResponse:
    """Sign out everywhere but here."""
    here = request.session.session_key
    actions.end_sessions(person=request.user, but=here, now=timezone.now())
    messages.info(request, _("You are signed in here, and nowhere else."))
    return redirect("account_devices")


@require_safe
def activity(request: SignedInRequest) -> HttpResponse:
    """Sign-ins and changes of how one signs in. Never what was read or written."""
    page = ACTIVITY.page(request.GET.get("page"), request.user.pk)
    return render(request, "account/activity.html", {"page": page})


@login_not_required
@never_cache
def confirm_email(request: HttpRequest) -> HttpResponse:
    """allauth's page for the first code. It says when a code has run out, and a code that was
    sent again lasts as long as its mail promises."""
    key = EMAIL_VERIFICATION_CODE_SESSION_KEY
    seconds = app_settings.EMAIL_VERIFICATION_BY_CODE_TIMEOUT
    if _ran_out(request, key, seconds) or _is_over(request, key):
        request.session.pop(key)
        messages.warning(request, _code_ran_out(request))
        if request.user.is_anonymous:
            clear_login(request)
    if refused := code_attempts.one_too_many(request, EmailVerificationProcess.resume(request)):
        return refused
    before = request.session.get(key)
    if before and _asks_again(request) and (wait := why_wait(request, before["email"])):
        messages.warning(request, wait)
        return redirect(request.get_full_path())
    if before and _is_for_nobody(before):
        enumeration.ask(enumeration.ON_THE_CODE_PAGE)
    sent_again = before and before["resend_count"]
    response: HttpResponse = allauth.email_verification_sent(request)
    state = request.session.get(key)
    if state and state["resend_count"] != sent_again:
        request.session[key] = code_attempts.sent_again(state, at=time.time())
        if _is_for_nobody(state):
            # allauth would send no second mail here, and that would tell.
            enumeration.ask(enumeration.WHEN_SENT_AGAIN)
            get_adapter().send_account_already_exists_mail(state["email"])
    return response


@login_not_required
@never_cache
@require_safe
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Where the link of an invitation leads: to the page for signing up, while it is good."""
    by_invitation = settings.REGISTRATION == "invitation"
    if by_invitation and not invitations.follow(request, token, now=timezone.now()):
        return render(request, "account/invitation_over.html", status=404)
    return redirect("account_signup")


@login_not_required
@never_cache
def confirm_reset(request: HttpRequest) -> HttpResponse:
    """allauth's page for the code of a new password, saying when the code has run out."""
    if _reset_ran_out(request):
        return _ask_again(request)
    if refused := code_attempts.one_too_many(
        request, PasswordResetVerificationProcess.resume(request)
    ):
        return refused
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


def _asks_again(request: HttpRequest) -> bool:
    return request.method == "POST" and request.POST.get("action") == "resend"


def _is_for_nobody(state: dict[str, Any]) -> bool:
    """Whether this code belongs to no account: none is told that, and none can be entered."""
    return "user_id" not in state or enumeration.NOBODY in state


def _is_over(request: HttpRequest, key: str) -> bool:
    """Whether the account of this code has been erased, another sign-up has taken its place, or
    its person has begun anew since. If not, it stays as it is until this request is answered."""
    state = request.session.get(key)
    if request.method != "POST" or state is None:
        return False
    person = get_for_update(state.get("user_id") or uuid4())
    if _is_for_nobody(state):
        return False
    if person is None or person.invalidated_pending_since(code_attempts.began_at(state)):
        return True
    # A code that was sent to an address of before opens nothing any more.
    is_reset = key == PASSWORD_RESET_VERIFICATION_SESSION_KEY
    return is_reset and person.email != UserManager.normalize_email(state["email"])


def _code_ran_out(request: HttpRequest) -> str:
    if request.user.is_authenticated:
        return _("That code has run out. You can ask for a new one here.")
    return _("That code has run out. Sign in, and a new one is sent.")


def _ran_out(request: HttpRequest, key: str, seconds: int) -> bool:
    state = request.session.get(key)
    return state is not None and time.time() - state["at"] > seconds


def _reset_ran_out(request: HttpRequest) -> bool:
    key = PASSWORD_RESET_VERIFICATION_SESSION_KEY
    seconds = app_settings.PASSWORD_RESET_BY_CODE_TIMEOUT
    return _ran_out(request, key, seconds) or _is_over(request, key)


def _ask_again(request: HttpRequest) -> HttpResponse:
    del request.session[PASSWORD_RESET_VERIFICATION_SESSION_KEY]
    messages.warning(request, _("That code has run out. You can ask for a new one here."))
    return redirect("account_reset_password")
