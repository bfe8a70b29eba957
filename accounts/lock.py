"""The lock: someone left in a hurry, and this session waits for the password again.

`safety` writes the moment of leaving into the session. Whatever proof of who they are came before
that moment no longer counts; allauth notes each proof in the session too.
"""

from allauth.account.authentication import get_authentication_records
from django.contrib.auth.middleware import get_user
from django.http import HttpRequest

from safety.leaving import LOCKED_AT


def is_locked(request: HttpRequest) -> bool:
    locked_at = request.session.get(LOCKED_AT)
    if locked_at is None:
        return False
    # Only their own proofs: someone else's half-finished sign-in lies in the same session.
    proofs = get_authentication_records(request, get_user(request))
    return bool(locked_at >= max((proof["at"] for proof in proofs), default=0))
