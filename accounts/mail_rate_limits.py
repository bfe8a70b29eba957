"""Limits on the mail that visitors can make us send (ADR 23).

Without them, strangers could use our pages to flood a mailbox, and other mail hosts would stop
accepting our mail. allauth's rate limits count in the cache: a table on a connection of its own, so
that counts survive restarts and rolled-back requests. An address counts whether or not it has an
account: a limit must not reveal that.
"""

from contextlib import suppress
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connections
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from django.utils.encoding import punycode
from django.utils.translation import gettext_lazy as _

from accounts.allauth_internals import ratelimit

CACHE_CONNECTION = "cache"
APP = "accounts"
# One rate per action: if one of several rates in an action refuses, allauth leaves the mail counted
# in those before it.
RATES = {
    # Per mailbox. The first allows one sign-up, both further codes and a new start; the second
    # bounds what a stranger can do to the mailbox.
    "mail_to_address": "6/h/key",
    "mail_to_address_in_a_day": "20/d/key",
    # Per mail host, from all clients: some 28,000 a day, so that many people at one big provider
    # can sign up on the same day, within what such a provider accepts from one sender.
    "mail_to_domain": "300/15m/key",
    # Per client: a school or an office may share one IP address.
    "mail_from_client": "100/h/ip",
    # Per mailbox: a double click sends one mail.
    "mail_twice": "1/10s/key",
}
# The reader need not be the one who asked for the earlier mails: that may have been a stranger.
WAIT = _("No mail was sent this time. Wait a while, then try again.")
WAIT_AFTER_MAIL = _(
    "One address gets one mail in ten seconds. If you asked a moment ago, look for that mail first."
)


def mail_refusal(request: HttpRequest, address: str) -> str:
    """Count a mail to this address. Returns an empty string if it may be sent, and otherwise the
    sentence to show, with nothing counted."""
    counted: list[Any] = []
    for action, key in _keys(address).items():
        usage = ratelimit.consume(request, app=APP, action=action, config=RATES, key=key)
        if usage is None:
            for earlier in counted:
                earlier.rollback()
            return str(WAIT_AFTER_MAIL if action == "mail_twice" else WAIT)
        counted.append(usage)
    return ""


def delete_expired(*, now: datetime) -> None:
    """Delete expired counts. The cache itself does so only when it is full."""
    connection = connections[CACHE_CONNECTION]
    table = connection.ops.quote_name(str(settings.CACHES["default"]["LOCATION"]))
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table} WHERE expires < %s", [now])  # noqa: S608


def _keys(address: str) -> dict[str, str]:
    name, _at, domain = address.strip().lower().rpartition("@")
    # One mail host can be written in several ways, and has one name in ASCII.
    with suppress(UnicodeError):
        domain = punycode(domain).lower()
    # Mail to name+anything reaches the mailbox `name`, and big providers ignore dots.
    mailbox = f"{name.partition('+')[0].replace('.', '')}@{domain}"
    return {
        "mail_from_client": "",
        "mail_to_address": _hashed(mailbox),
        "mail_to_address_in_a_day": _hashed(mailbox),
        "mail_to_domain": _hashed(domain),
        # Last: it counts mails that are sent, not mails that another limit has refused.
        "mail_twice": _hashed(mailbox),
    }


def _hashed(text: str) -> str:
    """The cache must not show addresses, nor hashes that can be guessed without SECRET_KEY."""
    return salted_hmac("accounts.limits", text).hexdigest()
