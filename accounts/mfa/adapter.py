"""What allauth asks about second factors: whose seeds they are, and what a device is told of us.

The seed of an authenticator app and the seed of the recovery codes are sealed by the key of the
person they belong to. Whose that is, is not read from the row: it is whoever asks to come in. So a
seed that was moved to another person's row does not open there.
"""

import base64
from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from safety.leaving import LOCKED_AT
from vault.sealing import CannotOpen, pack, unpack

PURPOSE = "accounts.second_factor"
# What asks for more than a password. Recovery codes only stand in for one of these.
FACTORS = frozenset({Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN})
# In the session: where somebody was going who was sent first to set one up.
GOING_TO = "second_factor_for"


def sealed(person: User, seed: str) -> str:
    """As it stands in the row. Raises CannotOpen where the person's own key does not open."""
    data = person.key.seal(PURPOSE, person.pk, pack({"seed": seed}))
    return base64.b64encode(data).decode()


def opened(person: User, text: str) -> str:
    """Raises CannotOpen."""
    try:
        data = base64.b64decode(text, validate=True)
    except (TypeError, ValueError) as error:
        raise CannotOpen from error
    seed: str = unpack(person.key.open(PURPOSE, person.pk, data))["seed"]
    return seed


def has_second_factor(person: User) -> bool:
    return bool(person.second_factors & FACTORS)


def has_shown_it(request: HttpRequest, *, since: float = 0) -> bool:
    """Whether this session has seen their second factor, since it was last locked if ever, and
    since this moment (in seconds, as allauth notes it)."""
    since = max(since, request.session.get(LOCKED_AT, 0))
    proofs = get_authentication_records(request, request.user)
    return any(proof["method"] == "mfa" and proof["at"] > since for proof in proofs)


def door_of(person: User) -> str:
    """Where they show their second factor. From there a link leads to any other that they have."""
    if Authenticator.Type.TOTP in person.second_factors:
        return reverse("mfa_reauthenticate")
    return reverse("mfa_reauthenticate_webauthn")


class Adapter(DefaultMFAAdapter):  # type: ignore[misc]
    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": _("That code does not fit. Try the one that is shown now."),
        "unverified_email": _("First confirm your email address with the code that was sent."),
    }

    def encrypt(self, text: str) -> str:
        return sealed(_whoever_asks(context.request), text)

    def decrypt(self, encrypted_text: str) -> str:
        return opened(_whoever_asks(context.request), encrypted_text)

    def is_mfa_enabled(self, user: User, types: list[str] | None = None) -> bool:
        """allauth asks this for every kind and several times a page: the person knows it."""
        if user.is_anonymous:
            return False
        return bool(user.second_factors if types is None else user.second_factors & {*types})

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Devices show this name when they ask for a passkey, to whoever looks at them."""
        return {"id": str(settings.SITE.hostname), "name": settings.DISCREET_NAME}

    def get_public_key_credential_user_entity(self, user: User) -> dict[str, Any]:
        return {"id": user.pk.bytes, "name": user.email, "display_name": user.email}


def _whoever_asks(request: HttpRequest | None) -> User:
    """Who is signed in, or who has shown their password and not yet the second factor."""
    if request is not None and request.user.is_authenticated:
        return request.user
    stage = getattr(request, "_login_stage", None)
    if stage is None or not isinstance(stage.login.user, User):
        raise CannotOpen
    return stage.login.user
