"""Our addresses, and one whose view fails: for the headers of an error."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import path

from config.urls import urlpatterns as ours

handler500 = "safety.views.server_error"


@login_not_required
def broken(request: HttpRequest) -> HttpResponse:
    raise ValueError("what somebody wrote")


urlpatterns = [*ours, path("broken/", broken)]
