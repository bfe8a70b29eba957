"""allauth's adapter for second factors with our texts and URLs, and how their seeds are sealed
(ADR 21).

The seeds of authenticator apps and of recovery codes are sealed by their person's key. Which person
that is comes from the request, never from the row: a seed copied into another person's row does not
open there.
"""

import base64
from typing import Any

from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.allauth_internals import authentication_records, user_of_login_stage
from accounts.models import User
from vault.primary_key_check import sealing_ring
from vault.sealing import CannotOpen, pack, unpack
from vault.sessions import LOCKED_AT

PURPOSE = "accounts.second_factor"
# The types that count as a second factor. Recovery codes only stand in for one of these.
SECOND_FACTORS = frozenset({Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN})
# Session key: where to go on once a second factor is set up.
URL_AFTER_SETUP = "second_factor_for"


def seal_seed(person: User, seed: str) -> str:
    """Return the seed as an authenticator's row stores it. Raises CannotOpen if the person's own
    key cannot be opened, and CannotSeal."""
    sealing_ring()
    data = person.key.seal(PURPOSE, person.pk, pack({"seed": seed}))
    return base64.b64encode(data).decode()


def open_seed(person: User, sealed: str) -> str:
    """Raises CannotOpen."""
    try:
        data = base64.b64decode(sealed, validate=True)
    except (TypeError, ValueError) as error:
        raise CannotOpen from error
    seed: str = unpack(person.key.open(PURPOSE, person.pk, data))["seed"]
    return seed


def has_second_factor(person: User) -> bool:
    return bool(person.second_factors & SECOND_FACTORS)


def has_proved_second_factor(request: HttpRequest, *, since: float = 0) -> bool:
    """Whether the second factor was shown in this session after it was last locked, and after
    `since` (seconds since the epoch)."""
    since = max(since, request.session.get(LOCKED_AT, 0))
    records = authentication_records(request, request.user)
    return any(record["method"] == "mfa" and record["at"] > since for record in records)


def second_factor_url(person: User) -> str:
    """The page that asks for the second factor; it links to the person's other factors."""
    if Authenticator.Type.TOTP in person.second_factors:
        return reverse("mfa_reauthenticate")
    return reverse("mfa_reauthenticate_webauthn")


class Adapter(DefaultMFAAdapter):
    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": _("That code does not fit. Try the one that is shown now."),
        "unverified_email": _("First confirm your email address with the code that was sent."),
    }

    def encrypt(self, text: str) -> str:
        return seal_seed(_person_of(context.request), text)

    def decrypt(self, encrypted_text: str) -> str:
        return open_seed(_person_of(context.request), encrypted_text)

    def is_mfa_enabled(self, user: User, types: list[str] | None = None) -> bool:
        """Use the person's cached factors: allauth asks often per page, with a query each time."""
        if user.is_anonymous:
            return False
        return bool(user.second_factors if types is None else user.second_factors & {*types})

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """The name is discreet: devices show it to anyone who looks on when they ask for a
        passkey."""
        return {"id": str(settings.SITE.hostname), "name": settings.DISCREET_NAME}

    def get_public_key_credential_user_entity(self, user: User) -> dict[str, Any]:
        return {"id": user.pk.bytes, "name": user.email, "display_name": user.email}


def _person_of(request: HttpRequest | None) -> User:
    """The signed-in person, or the one who has shown their password but not their second factor
    yet. Raises CannotOpen if there is neither."""
    if request is None:
        raise CannotOpen
    person = request.user if request.user.is_authenticated else user_of_login_stage(request)
    if not isinstance(person, User):
        raise CannotOpen
    return person
