"""Pages on which a person changes how they sign in, and sees where they are signed in."""

from functools import partial

from allauth.account import views as allauth
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.allauth_internals import add_email, ratelimit, sync_user_email_address
from accounts.forms import UNTIL_SIGNED_OUT, LockForm, NewAddressForm
from accounts.lazy_count_paginator import LazyCountPaginator
from accounts.mfa.reauthentication import (
    recent_full_proof_required,
    recent_proof_required,
    recent_second_factor_required,
)
from accounts.models import Activity
from accounts.request_types import SignedInRequest
from accounts.sessions import actions
from accounts.sessions.devices import clear_device, list_devices
from safety.post_only import post_only
from vault import expiring_session_entries

ACTIVITY_PER_PAGE = DEVICES_PER_PAGE = 20


@require_http_methods(["GET", "HEAD", "POST"])
@recent_full_proof_required
def email(request: SignedInRequest) -> HttpResponse:
    """Change the address. Replaces allauth's page, which manages several addresses: here there is
    one, and it changes when the code sent to the new one is entered."""
    person = request.user
    form = NewAddressForm(request.POST if request.method == "POST" else None, user=person)
    if form.is_bound and not ratelimit.consume(
        request, app="allauth.account", action="manage_email", user=person
    ):
        return render(request, "429.html", status=429)
    if form.is_bound and form.is_valid():
        # Without a row for the old address, allauth would not mail it about the change.
        sync_user_email_address(person)
        add_email(request, form)
        return redirect("account_email_verification_sent")
    return render(request, "account/email.html", {"form": form})


@login_not_required
@require_safe
@transaction.non_atomic_requests
def change_password_address(request: HttpRequest) -> HttpResponse:
    """Where password managers look for the page on which a password is changed (W3C, A Well-Known
    URL for Changing Passwords)."""
    return redirect("account_change_password")


@recent_second_factor_required
def change_password(request: SignedInRequest) -> HttpResponse:
    """allauth's page; its form asks for the current password itself."""
    response: HttpResponse = allauth.password_change(request)
    return response


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_out(request: HttpRequest) -> HttpResponse:
    """allauth's page, which also deletes what our pages stored in the browser."""
    # A visitor who cancels a pending sign-in posts here too: their browser may hold unsaved words,
    # and their session forms that wait and answers.
    is_visitor, is_post = request.user.is_anonymous, request.method == "POST"
    waiting = expiring_session_entries.values(request.session) if is_visitor and is_post else {}
    response: HttpResponse = allauth.logout(request)
    if waiting:
        request.session.update(waiting)
    if is_post and not is_visitor:
        clear_device(request, response)
    return response


@require_safe
def index(request: SignedInRequest) -> HttpResponse:
    return render(request, "account/index.html")


@require_http_methods(["GET", "HEAD", "POST"])
@recent_proof_required
def lock(request: SignedInRequest) -> HttpResponse:
    """Choose after how many idle minutes the pages lock."""
    person = request.user
    initial = {"after": person.lock_after or UNTIL_SIGNED_OUT}
    form = LockForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_bound and form.is_valid():
        person.set_lock_after(form.cleaned_data["after"])
        messages.info(request, _("Saved. It holds wherever you are signed in."))
        return redirect("account_index")
    return render(request, "account/lock.html", {"form": form})


@require_safe
@recent_proof_required
def devices(request: SignedInRequest) -> HttpResponse:
    found = list_devices(request.user, session_key=request.session.session_key, now=timezone.now())
    page = Paginator(found, DEVICES_PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "account/devices.html", {"devices": page})


@post_only("account_devices")
@partial(recent_proof_required, page="account_devices")
def end_device(request: SignedInRequest) -> HttpResponse:
    """Sign out the browser named by `id`. One that is gone already counts as signed out."""
    actions.end_device(person=request.user, id=request.POST.get("id", ""), now=timezone.now())
    messages.info(request, _("That browser is signed out."))
    return redirect("account_devices")


@post_only("account_devices")
@partial(recent_proof_required, page="account_devices")
def end_other_devices(request: SignedInRequest) -> HttpResponse:
    key = request.session.session_key
    actions.end_sessions(person=request.user, except_key=key, now=timezone.now())
    messages.info(request, _("You are signed in here, and nowhere else."))
    return redirect("account_devices")


@require_safe
def activity(request: SignedInRequest) -> HttpResponse:
    rows = Activity.objects.of(request.user).newest_first()
    page = LazyCountPaginator(rows, ACTIVITY_PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "account/activity.html", {"page": page})
