"""A rate limit on guesses at a password within a session (ADR 20).

Whoever finds a device signed in could guess on any page that asks for the password again: all of
them check it here, and share one count per account. Sign-in has a count of its own, so that nobody
without a session can use this one up and keep a person from unlocking or erasing.
"""

from allauth.core import context
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.allauth_internals import ratelimit
from accounts.models import User

APP, ACTION = "allauth.account", "password_in_session"
RATE_LIMITED = "rate_limited"
TOO_MANY_PASSWORDS = _(
    "There were several tries in a short time. Wait a few minutes, then try again."
    " After very many it can take up to a day. Choosing a new password by mail works at once."
)


def check_password_in_session(person: User, password: str) -> bool:
    """Return whether this is their password; only a wrong one counts.

    Raises ValidationError with the code RATE_LIMITED, and then has not checked it.
    """
    # Counted before the check, or concurrent guesses would all be checked.
    usage = ratelimit.consume(context.request, app=APP, action=ACTION, user=person)
    if usage is None:
        raise ValidationError(TOO_MANY_PASSWORDS, code=RATE_LIMITED)
    is_right = person.check_password(password)
    if is_right:
        usage.rollback()
    return is_right


def forget_guesses(person: User) -> None:
    """Delete the count: what it protected has been replaced by a new password."""
    ratelimit.clear(context.request, app=APP, action=ACTION, user=person)
