"""Second factors without a phone: what an app would show, and what a device would answer."""

import base64
import hashlib
import html
import json
import re
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.core.context import request_context
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import RequestFactory
from fido2 import cbor
from fido2.cose import ES256

from accounts.actions import add_app, add_passkey, show_codes
from accounts.models import User
from tests.conftest import PASSWORD, Client
from vault.sessions import Session

AGAIN = "/accounts/reauthenticate/"
STEP = "/accounts/2fa/authenticate/"
EARLIER = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def code_of(secret: str, *, steps: int = 0) -> str:
    """What an app shows now, or so many half minutes from now."""
    (now,) = yield_hotp_counters_from_time()
    return format_hotp_value(hotp_value(secret, now + steps))


def here(person: User) -> str | None:
    """The one session that they have, if they have one. A first factor ends every other."""
    return Session.objects.of(person).values_list("session_key", flat=True).first()


def give_app(person: User) -> str:
    """The secret of the app that they have set up."""
    secret: str = generate_totp_secret()
    assert add_app(person=person, secret=secret, here=here(person), device="", now=EARLIER)
    return secret


def codes_of(person: User) -> list[str]:
    """Their recovery codes, which open to nobody but them."""
    request = RequestFactory().get("/")
    request.user = person
    with request_context(request):
        return show_codes(person=person, now=EARLIER)


def prove_again(client: Client) -> None:
    assert client.post(AGAIN, {"password": PASSWORD}).status_code == 302


def note_shown(client: Client) -> None:
    """As though their second factor had been shown in this browser a moment ago, whichever it is.
    No code is used up by it."""
    session = client.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] += [
        {"method": "mfa", "at": time.time(), "reauthenticated": True}
    ]
    session.save()


def enter_admin(client: Client, person: User) -> None:
    """They show a second factor in this browser, as the admin asks of them."""
    sent = {"code": code_of(give_app(person))}
    assert client.post("/accounts/2fa/reauthenticate/", sent).status_code == 302


def row_of(person: User, kind: str) -> Authenticator:
    row: Authenticator = Authenticator.objects.get(user=person, type=kind)
    return row


def websafe(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Device:
    """Keeps one passkey. What it says can be bent, to see that it is then not believed."""

    origin: str = "http://localhost:8000"
    site: str = "localhost"
    flags: int = PRESENT | VERIFIED
    counter: int = 0
    holder: bytes = b""
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def makes(self, options: dict[str, Any]) -> str:
        """The answer to being asked for a new passkey."""
        made = b"\0" * 16 + len(self.id).to_bytes(2, "big") + self.id
        made += cbor.encode(ES256.from_cryptography_key(self.key.public_key()))
        data = self._data(self.flags | ATTESTED) + made
        attested = cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer(
            clientDataJSON=self._said("webauthn.create", options["challenge"]),
            attestationObject=attested,
        )

    def shows(self, options: dict[str, Any]) -> str:
        """The answer to being asked for its passkey."""
        data, said = self._data(self.flags), self._said("webauthn.get", options["challenge"])
        signed = self.key.sign(data + hashlib.sha256(said).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(
            clientDataJSON=said, authenticatorData=data, signature=signed, userHandle=self.holder
        )

    def _said(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _data(self, flags: int) -> bytes:
        site = hashlib.sha256(self.site.encode()).digest()
        return site + bytes([flags]) + self.counter.to_bytes(4, "big")

    def _answer(self, **response: bytes) -> str:
        parts = {name: websafe(part) for name, part in response.items() if part}
        id = websafe(self.id)
        return json.dumps(
            {"id": id, "rawId": id, "type": "public-key", "response": parts, "extra": {"x": 1}}
        )


def give_passkey(person: User, device: Device | None = None) -> Device:
    """The device on which they have made one."""
    device = device or Device()
    device.holder = person.pk.bytes
    answer = json.loads(device.makes({"challenge": websafe(b"0" * 32)}))
    del answer["extra"]
    made = {"credential": answer, "counter": device.counter}
    where = {"here": here(person), "device": "Firefox on Android"}
    assert add_passkey(person=person, made=made, now=EARLIER, **where)
    return device


def asked_on(page: str) -> dict[str, Any]:
    """What a page wants from a device."""
    found = re.search(r'data-options="([^"]+)"', page)
    assert found, page
    options: dict[str, Any] = json.loads(html.unescape(found[1]))
    return options
