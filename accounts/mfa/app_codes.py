"""Codes that an authenticator app shows (RFC 6238).

A code counts in its half minute and in the next one: an app shows it until its last second, and
typing it takes a few. Each counts once.
"""

from datetime import timedelta
from secrets import compare_digest

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django.core.cache import cache

from accounts.allauth_internals import totp

# Longer than a code counts.
USED_CODES_STORED_FOR = timedelta(minutes=2)


def fits(secret: str, code: str) -> bool:
    return _half_minute_of(secret, code) is not None


def use(app: Authenticator, code: str) -> bool:
    """Return whether this code of the app counts, and let it count no more.

    Raises CannotOpen if the secret of the app cannot be opened.
    """
    half_minute = _half_minute_of(get_adapter().decrypt(app.data["secret"]), code)
    if half_minute is None:
        return False
    seconds = int(USED_CODES_STORED_FOR.total_seconds())
    # Two requests may send one code: only one of them adds the row.
    return bool(cache.add(f"app-code:{app.user_id}:{half_minute}", True, seconds))


def _half_minute_of(secret: str, code: str) -> int | None:
    (now,) = totp.yield_hotp_counters_from_time()
    for half_minute in (now, now - 1):
        shown = totp.format_hotp_value(totp.hotp_value(secret, half_minute))
        if compare_digest(shown.encode(), code.encode()):
            return int(half_minute)
    return None
