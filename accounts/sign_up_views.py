from allauth.account import views as allauth
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts import sign_up_origin


@login_not_required
def sign_up(request: HttpRequest) -> HttpResponse:
    """allauth's page. Ours remembers where a sign-up was begun."""
    if request.method in {"GET", "POST"}:
        sign_up_origin.check(request, now=timezone.now())
    response: HttpResponse = allauth.signup(request)
    if request.method == "POST":
        sign_up_origin.remember_account(request.session)
    return response
