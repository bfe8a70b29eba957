from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import invitations


@login_not_required
@never_cache
@require_safe
def join(request: HttpRequest, token: str) -> HttpResponse:
    """The target of an invitation's link."""
    by_invitation = settings.REGISTRATION == "invitation"
    if by_invitation and not invitations.remember(request, token, now=timezone.now()):
        return render(request, "account/invitation_over.html", status=404)
    return redirect("account_signup")
