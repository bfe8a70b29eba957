"""How much mail a visitor can make us send. Without limits our pages would write to strangers for
whoever asks, and spend the good name of our sender. And how often a password can be tried where a
page of ours asks for it.

Counted by allauth's machinery in the cache, which is a table with a connection of its own: what was
counted outlives restarts and requests that fail. An address counts whether or not it has an
account, so that a limit tells nobody which it is.
"""

from contextlib import suppress
from datetime import datetime
from typing import Any

from allauth.core.internal import ratelimit
from django.conf import settings
from django.db import connections
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from django.utils.encoding import punycode
from django.utils.translation import gettext_lazy as _

from accounts.models import User

# The connection on which the cache lies.
CONNECTION = "cache"
APP = "accounts"
# Each by itself: of several in one, allauth keeps what it counted before the one that refuses.
RATES = {
    # One mailbox. The first lets somebody sign up, ask for both further codes and start again; the
    # second is what a stranger can do to it.
    "mail_to_address": "6/h/key",
    "mail_to_address_in_a_day": "20/d/key",
    # One mail host, from everywhere: some 28,000 a day, so that everybody at a big provider can
    # come on the same day, and no more than it bears from us.
    "mail_to_domain": "300/15m/key",
    # One client: a school or an office that comes in on one morning behind one address.
    "mail_from_client": "100/h/ip",
    # One mailbox once more: a double click sends one mail.
    "mail_twice": "1/10s/key",
}
# Whoever reads it need not be who asked for the mail before: it may have been a stranger.
WAIT = _("No mail was sent this time. Wait a while, then try again.")
TWICE = _(
    "One address gets one mail in ten seconds. If you asked a moment ago, look for that mail first."
)


def why_wait(request: HttpRequest, address: str) -> str:
    """What to tell this visitor if they may not make us write to this address now; nothing if they
    may, and then it counts."""
    used: list[Any] = []
    for action, key in _keys(address).items():
        usage = ratelimit.consume(request, app=APP, action=action, config=RATES, key=key)
        if usage is None:
            # What was not sent does not count.
            for earlier in used:
                earlier.rollback()
            return str(TWICE if action == "mail_twice" else WAIT)
        used.append(usage)
    return ""


def forget_old(*, now: datetime) -> None:
    """Delete what counts no more. The cache itself does so only when it is full."""
    table = connections[CONNECTION].ops.quote_name(str(settings.CACHES["default"]["LOCATION"]))
    with connections[CONNECTION].cursor() as cursor:
        cursor.execute(f"DELETE FROM {table} WHERE expires < %s", [now])  # noqa: S608


def may_guess(request: HttpRequest, person: User) -> bool:
    """Whether one more password may be tried here. Counts together with the lock's own tries."""
    tries = ratelimit.consume(request, app="allauth.account", action="reauthenticate", user=person)
    return tries is not None


def _keys(address: str) -> dict[str, str]:
    name, _at, domain = address.strip().lower().rpartition("@")
    # Mail finds a host by its name in ASCII, of which there is one for all the ways to write it.
    with suppress(UnicodeError):
        domain = punycode(domain).lower()
    # What follows a plus names a drawer of the same mailbox, and big providers see no dots.
    mailbox = f"{name.partition('+')[0].replace('.', '')}@{domain}"
    return {
        "mail_from_client": "",
        "mail_to_address": _sealed(mailbox),
        "mail_to_address_in_a_day": _sealed(mailbox),
        "mail_to_domain": _sealed(domain),
        # Last, so that it counts mails only: it is about one that has left.
        "mail_twice": _sealed(mailbox),
    }


def _sealed(word: str) -> str:
    """Addresses do not lie readable in the cache, nor as a hash that anyone can make."""
    return salted_hmac("accounts.limits", word).hexdigest()
