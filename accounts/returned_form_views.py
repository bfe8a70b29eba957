"""Where a sealed form waits until its owner has proved who they are, and is given back."""

from contextlib import suppress

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.allauth_internals import ratelimit
from accounts.error_views import someone_else
from accounts.request_types import SignedInRequest
from accounts.returned_forms import (
    SEALED_FORM,
    belongs_to_sender,
    drop_waiting_form,
    hold,
    open_form,
    waiting_forms,
)
from vault.sealing import CannotOpen

# Visitors can hold a form too, each in a session of some hundred kilobytes.
RATES = {"hold_form": "100/h/ip"}


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def hold_returned(request: HttpRequest) -> HttpResponse:
    """Take a sealed form along to the proof that opens it."""
    if request.method == "POST":
        now, sealed = timezone.now(), request.POST.get(SEALED_FORM, "")
        if not ratelimit.consume(request, app="accounts", action="hold_form", config=RATES):
            return render(request, "account/returned_later.html", {"sealed": sealed}, status=429)
        # Only what we have sealed may wait.
        with suppress(CannotOpen):
            open_form(sealed, now=now)
            if not hold(request.session, sealed, now=now):
                context = {"sealed": sealed, "is_full": True}
                return render(request, "account/returned_later.html", context, status=409)
    return redirect("account_returned")


@require_safe
def returned(request: SignedInRequest) -> HttpResponse:
    """Show all that waits for this person, to be sent again."""
    now = timezone.now()
    waiting = waiting_forms(request.session, now=now)
    opened = {}
    for id, sealed in waiting.items():
        try:
            opened[id] = open_form(sealed, now=now)
        except CannotOpen:
            drop_waiting_form(request.session, id)
    own = {id: form for id, form in opened.items() if belongs_to_sender(form, request)}
    if opened and not own:
        return someone_else(request, waiting[next(iter(opened))])
    return render(request, "account/returned.html", {"waiting": own})
