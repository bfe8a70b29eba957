"""The page after the first sign-in: how to leave quickly, and what the product cannot hide."""

from allauth.account.utils import get_next_redirect_url
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts import guide_settings
from accounts.request_types import SignedInRequest
from accounts.time_zones import place_of


@require_http_methods(["GET", "HEAD", "POST"])
def safety_notice(request: SignedInRequest) -> HttpResponse:
    """It blocks nothing: every other page opens whether this one was confirmed or not."""
    onward = get_next_redirect_url(request) or reverse("home:today")
    if request.method == "POST":
        request.user.record_safety_shown(now=timezone.now())
        guide_settings.seal_default(request.user)
        # Not redirect(): it would look up a short address as a URL name.
        return HttpResponseRedirect(onward)
    context = {"onward": onward, "place": place_of(request.user.time_zone)}
    return render(request, "account/first.html", context)
