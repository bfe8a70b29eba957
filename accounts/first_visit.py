"""Once, after the first sign-in: how to leave quickly, and what this place cannot hide."""

from allauth.account.utils import get_next_redirect_url
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.request_types import SignedInRequest


@require_http_methods(["GET", "HEAD", "POST"])
def first(request: SignedInRequest) -> HttpResponse:
    """No gate: every other address opens whether this was read or not."""
    onward = get_next_redirect_url(request) or reverse("home:today")
    if request.method == "POST":
        request.user.was_shown_safety(now=timezone.now())
        # As it is: a short one could be taken for the name of a page of ours.
        return HttpResponseRedirect(onward)
    return render(request, "account/first.html", {"onward": onward})
