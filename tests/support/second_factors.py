"""Second factors without a phone: a simulated authenticator app and passkey device."""

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

from allauth.core.context import request_context
from allauth.mfa.models import Authenticator
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import RequestFactory
from fido2 import cbor
from fido2.cose import ES256

from accounts.allauth_internals import AUTHENTICATION_METHODS_SESSION_KEY, totp
from accounts.mfa.actions import add_app, add_passkey, show_recovery_codes
from accounts.models import User
from tests.support.client import PASSWORD, Client
from vault.sessions import Session

REAUTHENTICATE = "/accounts/reauthenticate/"
AUTHENTICATE = "/accounts/2fa/authenticate/"
EARLIER = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def code_of(secret: str, *, steps: int = 0) -> str:
    """Return the code an app shows now, or `steps` half minutes from now."""
    (now,) = totp.yield_hotp_counters_from_time()
    return totp.format_hotp_value(totp.hotp_value(secret, now + steps))


def session_key_of(person: User) -> str | None:
    """The key of the person's only session, if they have one: a first factor ends all others."""
    return Session.objects.of(person).values_list("session_key", flat=True).first()


def give_app(person: User) -> str:
    """Add an authenticator app and return its secret."""
    secret: str = totp.generate_totp_secret()
    key = session_key_of(person)
    assert add_app(person=person, secret=secret, session_key=key, device="", now=EARLIER)
    return secret


def codes_of(person: User) -> list[str]:
    """Return the person's recovery codes. Only their own request can open them."""
    request = RequestFactory().get("/")
    request.user = person
    with request_context(request):
        return show_recovery_codes(person=person, now=EARLIER)


def reauthenticate(client: Client) -> None:
    assert client.post(REAUTHENTICATE, {"password": PASSWORD}).status_code == 302


def record_second_factor_proof(client: Client) -> None:
    """Record a recent proof by second factor in this browser, without using a code up."""
    session = client.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] += [
        {"method": "mfa", "at": time.time(), "reauthenticated": True}
    ]
    session.save()


def enter_admin(client: Client, person: User) -> None:
    """Add an app, and show its code in this browser as the admin requires."""
    sent = {"code": code_of(give_app(person))}
    assert client.post("/accounts/2fa/reauthenticate/", sent).status_code == 302


def row_of(person: User, kind: str) -> Authenticator:
    row: Authenticator = Authenticator.objects.get(user=person, type=kind)
    return row


def websafe(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Device:
    """A device with one passkey. Change a field, and its responses become invalid."""

    origin: str = "http://localhost:8000"
    site: str = "localhost"
    flags: int = PRESENT | VERIFIED
    counter: int = 0
    holder: bytes = b""
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def register(self, options: dict[str, Any]) -> str:
        """Return the response to registration options."""
        made = b"\0" * 16 + len(self.id).to_bytes(2, "big") + self.id
        made += cbor.encode(ES256.from_cryptography_key(self.key.public_key()))
        data = self._data(self.flags | ATTESTED) + made
        attested = cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer(
            clientDataJSON=self._client_data("webauthn.create", options["challenge"]),
            attestationObject=attested,
        )

    def authenticate(self, options: dict[str, Any]) -> str:
        """Return the response to authentication options."""
        data = self._data(self.flags)
        client_data = self._client_data("webauthn.get", options["challenge"])
        signed = self.key.sign(
            data + hashlib.sha256(client_data).digest(), ec.ECDSA(hashes.SHA256())
        )
        return self._answer(
            clientDataJSON=client_data,
            authenticatorData=data,
            signature=signed,
            userHandle=self.holder,
        )

    def _client_data(self, kind: str, challenge: str) -> bytes:
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
    """Add a passkey to the account and return its device."""
    device = device or Device()
    device.holder = person.pk.bytes
    answer = json.loads(device.register({"challenge": websafe(b"0" * 32)}))
    del answer["extra"]
    assert add_passkey(
        person=person,
        data={"credential": answer, "counter": device.counter},
        session_key=session_key_of(person),
        device="Firefox on Android",
        now=EARLIER,
    )
    return device


def start_sign_in(person: User, client: Client | None = None) -> Client:
    """Return a browser in which the password was right and the second factor is asked for."""
    client = client or Client(raise_request_exception=False)
    sent = {"login": person.email, "password": PASSWORD}
    assert client.post("/accounts/login/", sent).headers["Location"] == AUTHENTICATE
    return client


def is_signed_in(client: Client) -> bool:
    return client.get("/you/").status_code == 200


def leave(client: Client) -> Client:
    """Lock this browser's session by “Leave now”."""
    assert client.get("/leave/").status_code == 303
    return client


def secret_on(page: Any) -> str:
    """Return the secret that the page for a new app shows."""
    found = re.search(r"<code>([A-Z2-7 ]+)</code>", page.text)
    assert found
    return found[1].replace(" ", "")


def options_in(page: str) -> dict[str, Any]:
    """Return the WebAuthn options in a page."""
    found = re.search(r'data-options="([^"]+)"', page)
    assert found, page
    options: dict[str, Any] = json.loads(html.unescape(found[1]))
    return options
