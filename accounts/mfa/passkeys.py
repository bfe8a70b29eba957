"""Passkeys: the options a browser gets, and the verification of its response.

A person does not name their passkeys: pages tell them apart by the browser each was made in and by
the day.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext_lazy as _
from fido2.utils import websafe_encode
from fido2.webauthn import AuthenticationResponse, CollectedClientData, RegistrationResponse

from accounts.allauth_internals import webauthn
from accounts.models import User

UNKNOWN_PASSKEY = _("That passkey is not known here. Try another one, or another way.")


def passkeys_of(owner: UUID) -> QuerySet[Authenticator]:
    rows: QuerySet[Authenticator] = Authenticator.objects.filter(user=owner)
    return rows.filter(type=Authenticator.Type.WEBAUTHN).order_by("created_at", "pk")


def public_id(passkey: Authenticator) -> str:
    """The passkey's id in URLs, which show no primary key."""
    return salted_hmac("accounts.passkeys", str(passkey.pk)).hexdigest()[:32]


def find(person: User, id: str) -> Authenticator | None:
    """Return this person's passkey with this public id."""
    passkeys = passkeys_of(person.pk)
    return next((row for row in passkeys if constant_time_compare(public_id(row), id)), None)


def registration_options(person: User) -> str:
    """The options for a new passkey, as JSON: one that is stored on the device, and that the device
    uses only after it has verified the user."""
    return as_json(webauthn.begin_registration(person, passwordless=True))


def authentication_options(person: User | None) -> str:
    """The options for using a passkey, as JSON: one of this person, or of anybody."""
    return as_json(webauthn.begin_authentication(person))


def verify_registration(credential: Any) -> dict[str, Any]:
    """Return what to store of a new passkey. Raises ValidationError.

    The result holds what was verified and nothing else the browser sent: that would be stored
    unchecked.
    """
    state = _pending_state()
    with _any_error_as_unknown_passkey():
        response = RegistrationResponse.from_dict(credential)
        _check_origin(response.response.client_data)
        verified = webauthn.get_server().register_complete(state, response)
    webauthn.clear_state()
    id, attestation = websafe_encode(response.raw_id), response.response
    return {
        "credential": {
            "id": id,
            "rawId": id,
            "type": "public-key",
            "response": {
                "clientDataJSON": websafe_encode(attestation.client_data),
                "attestationObject": websafe_encode(attestation.attestation_object),
            },
        },
        "counter": verified.counter,
    }


def verify_authentication(person: User | None, credential: Any) -> Authenticator:
    """Return the passkey that signed the pending challenge, and use the challenge up. Without a
    person, the credential says whose passkey it is. Raises ValidationError."""
    state = _pending_state()
    with _any_error_as_unknown_passkey():
        response = AuthenticationResponse.from_dict(credential)
        _check_origin(response.response.client_data)
        owner = UUID(bytes=response.response.user_handle) if person is None else person.pk
    # One query that joins the owner: an unknown owner costs as many queries as a known one, so
    # response times do not reveal who has an account.
    known = {_key_of(row).credential_id: row for row in passkeys_of(owner).select_related("user")}
    with _any_error_as_unknown_passkey():
        keys = [_key_of(row) for row in known.values()]
        key = webauthn.get_server().authenticate_complete(state, keys, response)
    webauthn.clear_state()
    passkey = known[key.credential_id]
    # Erased while the signature was verified: a session of an account that is gone cannot be saved.
    if not User.objects.lock_row(owner):
        raise ValidationError(UNKNOWN_PASSKEY)
    _check_and_store_counter(passkey, response.response.authenticator_data.counter)
    # allauth signs in `passkey.user`: let that be the person at hand, with their cached factors.
    passkey.user = person or passkey.user
    return passkey


def as_json(options: dict[str, Any]) -> str:
    """Turn allauth's options into what `passkey.js` reads."""
    return json.dumps(options["publicKey"], default=dict)


def _pending_state() -> dict[str, Any]:
    state: dict[str, Any] | None = webauthn.get_state()
    if not state:
        raise ValidationError(UNKNOWN_PASSKEY)
    return state


def _check_origin(client_data: CollectedClientData) -> None:
    """Accept the site's own origin only: no subdomain, no other port. It is read from the settings,
    because the Host header of a request can be forged."""
    if client_data.origin != f"{settings.SITE.scheme}://{settings.SITE.netloc}":
        raise ValidationError(UNKNOWN_PASSKEY)


def _key_of(passkey: Authenticator) -> Any:
    return passkey.wrap().authenticator_data.credential_data


def _check_and_store_counter(passkey: Authenticator, counter: int) -> None:
    """A signature counter that does not grow means that the passkey was cloned."""
    if not counter and not passkey.data.get("counter"):
        # Passkeys that are synced between devices do not count.
        return
    locked = Authenticator.objects.select_for_update().filter(pk=passkey.pk).first()
    if locked is None or counter <= locked.data.get("counter", 0):
        raise ValidationError(UNKNOWN_PASSKEY)
    locked.data["counter"] = counter
    locked.save(update_fields=["data"])


@contextmanager
def _any_error_as_unknown_passkey() -> Iterator[None]:
    """The sender chooses the bytes, and parsers raise all kinds of errors on malformed ones."""
    try:
        yield
    except ValidationError:
        raise
    except Exception as error:
        raise ValidationError(UNKNOWN_PASSKEY) from error
