"""Our URLs, and one whose view raises, to test the headers of an error."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import path

from config.urls import handler404, handler500  # noqa: F401 (Django looks for them here)
from config.urls import urlpatterns as ours


@login_not_required
def broken(request: HttpRequest) -> HttpResponse:
    raise ValueError("what somebody wrote")


urlpatterns = [*ours, path("broken/", broken)]
