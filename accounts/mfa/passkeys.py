"""Passkeys: what a device is asked, and what its answer proves.

The pages never name a row by its number, and nobody types a name for a passkey: it is told apart by
the kind of browser it was made in and by the day.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext_lazy as _
from fido2.utils import websafe_encode
from fido2.webauthn import AuthenticationResponse, CollectedClientData, RegistrationResponse

from accounts.models import User

NOT_KNOWN = _("That passkey is not known here. Try another one, or another way.")


def of(owner: UUID) -> QuerySet[Authenticator]:
    rows: QuerySet[Authenticator] = Authenticator.objects.filter(user=owner)
    return rows.filter(type=Authenticator.Type.WEBAUTHN).order_by("created_at", "pk")


def id_of(row: Authenticator) -> str:
    """Names it in an address."""
    return salted_hmac("accounts.passkeys", str(row.pk)).hexdigest()[:32]


def named(person: User, id: str) -> Authenticator | None:
    """The one of theirs that an address names."""
    return next((row for row in of(person.pk) if constant_time_compare(id_of(row), id)), None)


def new_options(person: User) -> str:
    """What a browser needs to make one: it stays on the device, and asks who holds that."""
    return as_json(auth.begin_registration(person, passwordless=True))


def options(person: User | None) -> str:
    """What a browser needs to show one: of this person, or of whoever it turns out to be."""
    return as_json(auth.begin_authentication(person))


def made(credential: Any) -> dict[str, Any]:
    """What is kept of a new passkey, or ValidationError. Only what was asked for: the rest of what
    a browser may send would be stored unread."""
    state = _state()
    with _unreadable_is_unknown():
        response = RegistrationResponse.from_dict(credential)
        _check_origin(response.response.client_data)
        seen = auth.get_server().register_complete(state, response)
    auth.clear_state()
    id, said = websafe_encode(response.raw_id), response.response
    return {
        "credential": {
            "id": id,
            "rawId": id,
            "type": "public-key",
            "response": {
                "clientDataJSON": websafe_encode(said.client_data),
                "attestationObject": websafe_encode(said.attestation_object),
            },
        },
        "counter": seen.counter,
    }


def proved(person: User | None, credential: Any) -> Authenticator:
    """The passkey that signed what we asked, or ValidationError. Without a person, it says whose
    it is. What we asked is answered once."""
    state = _state()
    with _unreadable_is_unknown():
        response = AuthenticationResponse.from_dict(credential)
        _check_origin(response.response.client_data)
        owner = UUID(bytes=response.response.user_handle) if person is None else person.pk
    # With their owner in one statement: where there is no such person, it costs the same.
    known = {_key_of(row).credential_id: row for row in of(owner).select_related("user")}
    with _unreadable_is_unknown():
        keys = [_key_of(row) for row in known.values()]
        key = auth.get_server().authenticate_complete(state, keys, response)
    auth.clear_state()
    row = known[key.credential_id]
    _count_on(row, response.response.authenticator_data.counter)
    # allauth asks the row whose it is: the person at hand, not another copy of them.
    row.user = person or row.user
    return row


def as_json(asked: dict[str, Any]) -> str:
    """Options of allauth’s, as the page hands them to the browser."""
    return json.dumps(asked["publicKey"], default=dict)


def _state() -> dict[str, Any]:
    state: dict[str, Any] | None = auth.get_state()
    if not state:
        raise ValidationError(NOT_KNOWN)
    return state


def _check_origin(said: CollectedClientData) -> None:
    """By the browser's word, our page and no other: no site beside or below ours, no other port.
    Where we are is known from the settings, not from what a request claims."""
    if said.origin != f"{settings.SITE.scheme}://{settings.SITE.netloc}":
        raise ValidationError(NOT_KNOWN)


def _key_of(row: Authenticator) -> Any:
    return row.wrap().authenticator_data.credential_data


def _count_on(row: Authenticator, counter: int) -> None:
    """Some count how often they were used. Going backwards means that there is a copy."""
    if not counter and not row.data.get("counter"):
        # Passkeys that are shared between devices count nothing.
        return
    held = Authenticator.objects.select_for_update().filter(pk=row.pk).first()
    if held is None or counter <= held.data.get("counter", 0):
        raise ValidationError(NOT_KNOWN)
    held.data["counter"] = counter
    held.save(update_fields=["data"])


@contextmanager
def _unreadable_is_unknown() -> Iterator[None]:
    """Whoever sends it chooses the bytes, and their readers raise whatever they come upon."""
    try:
        yield
    except ValidationError:
        raise
    except Exception as error:
        raise ValidationError(NOT_KNOWN) from error
