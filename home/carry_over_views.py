"""Ask what is to become of answers that were saved from this browser without an account."""

from allauth.account.utils import get_next_redirect_url
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.error_views import cannot_open
from accounts.request_types import SignedInRequest
from healing.visitor_answers import drop_visitor_answers, visitor_answers
from home import carry_over as actions
from safety.post_only import post_only
from vault.sealing import CannotOpen
from vault.storage_quota import QuotaExceeded


@require_safe
def carry_over(request: SignedInRequest) -> HttpResponse:
    """It blocks nothing, and shows how many there are and when they were written: no word."""
    return _page(request) or _onward(request)


def _page(request: SignedInRequest, *, is_full: bool = False) -> HttpResponse | None:
    answers = visitor_answers(request.session, now=timezone.now())
    if not answers:
        return None
    context = {
        "count": len(answers),
        "first": answers[0].written_at,
        "last": answers[-1].written_at,
        "onward": _onward_address(request),
        "is_full": is_full,
    }
    return render(request, "home/carry_over.html", context, status=422 if is_full else 200)


@post_only("home:carry_over")
def take(request: SignedInRequest) -> HttpResponse:
    now = timezone.now()
    if not visitor_answers(request.session, now=now):
        # Pressed twice, or their time was over.
        return _onward(request)
    try:
        actions.carry_over(person=request.user, session=request.session, now=now)
    except CannotOpen:
        return cannot_open(request)
    except QuotaExceeded:
        return _page(request, is_full=True) or _onward(request)
    messages.info(request, actions.carried_over_message())
    return _onward(request)


@post_only("home:carry_over")
def delete(request: SignedInRequest) -> HttpResponse:
    now = timezone.now()
    answers = visitor_answers(request.session, now=now)
    drop_visitor_answers(request.session, *(answer.id for answer in answers), now=now)
    messages.info(request, _("They are deleted."))
    return _onward(request)


def _onward_address(request: HttpRequest) -> str:
    return get_next_redirect_url(request) or reverse("home:today")


def _onward(request: HttpRequest) -> HttpResponse:
    # Not redirect(): it would look up a short address as a URL name.
    return HttpResponseRedirect(_onward_address(request))
