"""The safety questions: a page for anyone, which stores and logs no answer."""

from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods

from safety import hidden_contact_exercises
from safety.form_of_this_visit import is_of_this_visit, visit
from safety.helplines import countries
from safety.post_only import post_only
from safety.questions import QUESTIONS, Said, reply_to


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.non_atomic_requests
def before(request: HttpRequest) -> HttpResponse:
    """The answers exist in this request only. Without a database the page answers them too."""
    # A browser may repeat the post of somebody who is not there any more: show nothing of it.
    if request.method != "POST" or not is_of_this_visit(request):
        return render(request, "safety/before.html", _context(request))
    now, reply = timezone.now(), reply_to(request.POST)
    if reply.kinds:
        hidden_contact_exercises.hide_if_possible(request.session, now=now)
    context = _context(request) | {"reply": reply, "countries": countries().values()}
    return render(request, "safety/before_answered.html", context)


def _context(request: HttpRequest) -> dict[str, object]:
    return {
        "questions": QUESTIONS,
        "choices": Said,
        "is_hidden": hidden_contact_exercises.is_hidden(request.session, now=timezone.now()),
        "next": _next(request),
        "visit": visit(request),
    }


def _next(request: HttpRequest) -> str:
    """The page of ours to go on to, if one was named."""
    address = request.POST.get("next", request.GET.get("next", ""))
    return address if url_has_allowed_host_and_scheme(address, allowed_hosts=None) else ""


@login_not_required
@post_only("safety:before")
def leave_out(request: HttpRequest) -> HttpResponse:
    hidden_contact_exercises.hide(request.session, now=timezone.now())
    return redirect("safety:before")


@login_not_required
@post_only("safety:before")
def bring_back(request: HttpRequest) -> HttpResponse:
    hidden_contact_exercises.show(request.session)
    return redirect("safety:before")
