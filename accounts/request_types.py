from django.http import HttpRequest

from accounts.models import User


class SignedInRequest(HttpRequest):
    """What reaches a view that is private, as all are unless they say otherwise."""

    user: User
