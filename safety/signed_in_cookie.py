"""A cookie of one word that says that somebody is signed in, and in which language they read: it
chooses a form of the help pages.

These are files, served above sessions and database (ADR 11). The cookie opens nothing: with a
forged one, the navigation has links that ask for a sign-in. Visitors never have it.
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language_from_request

from safety.leaving import left_cookie_name

# Stands for the language that everything is written in.
VALUE = "here"


def name() -> str:
    return "__Host-signed" if settings.HTTPS else "signed"


def language_in(request: HttpRequest) -> str | None:
    """Return the language of the person who is signed in, None for a visitor."""
    value = request.COOKIES.get(name())
    if value == VALUE:
        return settings.LANGUAGE_CODE
    return value if value in dict(settings.LANGUAGES) else None


def reader(request: HttpRequest) -> tuple[str, bool]:
    """Return the language of the page to show, and whether it is for somebody who is signed in."""
    # Who has left may have the cookie until a request reaches the session.
    has_left = left_cookie_name() in request.COOKIES
    language = None if has_left else language_in(request)
    return language or get_language_from_request(request), language is not None


def update(request: HttpRequest, response: HttpResponse, *, language: str | None) -> None:
    """Set or delete the cookie where the browser has another state. No language: a visitor."""
    value = VALUE if language == settings.LANGUAGE_CODE else language
    if value and request.COOKIES.get(name()) != value:
        response.set_cookie(name(), value, secure=settings.HTTPS, httponly=True, samesite="Lax")
    elif not value and name() in request.COOKIES:
        response.delete_cookie(name(), samesite="Lax")
