"""A cookie of one word that says that somebody is signed in: it chooses a form of the help pages.

These are files, served above sessions and database (ADR 11). The cookie opens nothing: with a
forged one, the navigation has links that ask for a sign-in. Visitors never have it.
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

VALUE = "here"


def name() -> str:
    return "__Host-signed" if settings.HTTPS else "signed"


def has(request: HttpRequest) -> bool:
    return request.COOKIES.get(name()) == VALUE


def update(request: HttpRequest, response: HttpResponse, *, signed_in: bool) -> None:
    """Set or delete the cookie where the browser has the other state."""
    if signed_in and not has(request):
        response.set_cookie(name(), VALUE, secure=settings.HTTPS, httponly=True, samesite="Lax")
    elif not signed_in and name() in request.COOKIES:
        response.delete_cookie(name(), samesite="Lax")
