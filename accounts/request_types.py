"""Types of requests for views, which are functions (ADR 9)."""

from django.http import HttpRequest

from accounts.models import User


class SignedInRequest(HttpRequest):
    """The request of a view that requires a sign-in, as every view does unless it opts out."""

    user: User
