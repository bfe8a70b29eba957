"""Authenticated encryption of what people write, with one key per person (ADR 5).

Every person has a Tink AES-256-GCM keyset, stored wrapped by a master key from the environment.
The associated data of a ciphertext names its purpose, owner and row: bytes moved to another place
do not decrypt there.

Wire format: Tink's own, `0x01 | key id (4) | nonce (12) | ciphertext | tag (16)`.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from uuid import UUID

import tink
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from tink import aead, proto_keyset_format, secret_key_access
from tink.proto import aes_gcm_pb2, tink_pb2

VERSION = b"vault/v1"
# Plaintext is padded to whole blocks, so that its length reveals little.
BLOCK_SIZE = 256

# Names are stored with each key, and stand before a line break in what the ring seals.
NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")
NAMES = "1 to 40 of A-Z, a-z, 0-9, “-” and “_”"

# What psycopg returns for a bytea column.
Bytes = bytes | memoryview

aead.register()


class CannotOpen(Exception):
    """These bytes cannot be decrypted under this key, purpose, owner and row."""


def new_master_key(name: str) -> str:
    """Return a new entry for VAULT_KEYS. Raises ValueError if it cannot have this name."""
    if not NAME.fullmatch(name):
        raise ValueError(f"A name of a master key is {NAMES}.")
    return f"{name}:{new_keyset()}"


def new_keyset() -> str:
    """Return a new master key as VAULT_KEYS has it after its name: a Tink keyset in base64."""
    handle = tink.new_keyset_handle(aead.aead_key_templates.AES256_GCM)
    raw = proto_keyset_format.serialize(handle, secret_key_access.TOKEN)
    return base64.b64encode(raw).decode()


def _associated_data(purpose: str, *ids: UUID) -> bytes:
    return b"|".join([VERSION, purpose.encode(), *(id.bytes for id in ids)])


def pack(contents: dict[str, Any]) -> bytes:
    """Return JSON in UTF-8, padded with spaces (which JSON ignores) to whole blocks."""
    data = json.dumps(contents, ensure_ascii=False, separators=(",", ":")).encode()
    return data.ljust(-(-len(data) // BLOCK_SIZE) * BLOCK_SIZE)


def unpack(data: bytes) -> dict[str, Any]:
    contents: dict[str, Any] = json.loads(data)
    return contents


@dataclass(frozen=True)
class PersonKey:
    """A person's unwrapped key. Keep it for one request or task, never longer."""

    owner: UUID
    _keyset: Any
    _aead: aead.Aead

    def seal(self, purpose: str, row: UUID, data: bytes) -> bytes:
        return bytes(self._aead.encrypt(data, _associated_data(purpose, self.owner, row)))

    def open(self, purpose: str, row: UUID, sealed: Bytes) -> bytes:
        return _decrypt(self._aead, sealed, _associated_data(purpose, self.owner, row))

    def derive_id(self, purpose: str, id: UUID) -> UUID:
        """Return an id that nobody can derive from another one without this key.

        Always the same one: it depends neither on SECRET_KEY nor on the master keys.
        """
        data = _associated_data(purpose, self.owner, id)
        digest = hmac.digest(_derivation_key(self._keyset), data, "sha256")
        return UUID(bytes=digest[:16], version=4)

    def __repr__(self) -> str:
        return f"PersonKey({self.owner})"


@dataclass(frozen=True)
class MasterKey:
    # Tells keys of one name apart, and reveals nothing about them.
    fingerprint: str
    primitive: aead.Aead = field(repr=False)


class KeyRing:
    """The master keys by name. The first is the primary and seals; all of them open.

    What seals gets the ring from `vault.sealing_check.sealing_ring`, which first compares the
    primary key with what is stored.
    """

    def __init__(self, keys: dict[str, MasterKey]) -> None:
        self._keys = {name: key.primitive for name, key in keys.items()}
        self.fingerprints = {name: key.fingerprint for name, key in keys.items()}
        self.primary = next(iter(keys))
        self.primary_fingerprint = self.fingerprints[self.primary]

    def new_person_key(self, owner: UUID) -> bytes:
        """Return a new keyset for this person, wrapped by the primary master key."""
        return self._wrap(tink.new_keyset_handle(aead.aead_key_templates.AES256_GCM), owner)

    def unwrap(self, owner: UUID, name: str, wrapped: Bytes) -> PersonKey:
        """Raises CannotOpen if the master key is missing or the wrapped key is not this owner's."""
        keyset = self._unwrap(owner, name, wrapped)
        return PersonKey(owner, keyset, keyset.primitive(aead.Aead))

    def rewrap(self, owner: UUID, name: str, wrapped: Bytes) -> bytes:
        """Return the same person key, wrapped by the primary master key.

        Raises CannotOpen as `unwrap` does.
        """
        return self._wrap(self._unwrap(owner, name, wrapped), owner)

    def seal(self, purpose: str, row: UUID, data: bytes) -> bytes:
        """Seal data that belongs to no account, such as a mail to an address without one.

        The result begins with the name of the primary master key, which sealed it.
        """
        sealed = self._keys[self.primary].encrypt(data, _associated_data(purpose, row))
        return b"\n".join([self.primary.encode(), sealed])

    def open(self, purpose: str, row: UUID, sealed: Bytes) -> bytes:
        """Open what `seal` returned. Raises CannotOpen."""
        name, _, data = bytes(sealed).partition(b"\n")
        try:
            key = self._keys[name.decode()]
        except (KeyError, UnicodeDecodeError) as error:
            raise CannotOpen from error
        return _decrypt(key, data, _associated_data(purpose, row))

    def _wrap(self, handle: Any, owner: UUID) -> bytes:
        master = self._keys[self.primary]
        wrapped = proto_keyset_format.serialize_encrypted(
            handle, master, _associated_data("dek", owner)
        )
        return bytes(wrapped)

    def _unwrap(self, owner: UUID, name: str, wrapped: Bytes) -> Any:
        try:
            return proto_keyset_format.parse_encrypted(
                bytes(wrapped), self._keys[name], _associated_data("dek", owner)
            )
        except (KeyError, tink.TinkError) as error:
            raise CannotOpen from error


def _derivation_key(keyset: Any) -> bytes:
    """Derive a key for HMAC from the oldest AES key of a keyset, by HKDF-Expand (RFC 5869)."""
    serialized = proto_keyset_format.serialize(keyset, secret_key_access.TOKEN)
    oldest = tink_pb2.Keyset.FromString(serialized).key[0].key_data.value
    secret = aes_gcm_pb2.AesGcmKey.FromString(oldest).key_value
    return hmac.digest(secret, VERSION + b"|ids\x01", "sha256")


def _decrypt(key: aead.Aead, sealed: Bytes, associated_data: bytes) -> bytes:
    try:
        return bytes(key.decrypt(bytes(sealed), associated_data))
    except tink.TinkError as error:
        raise CannotOpen from error


def parse_ring(text: str) -> KeyRing:
    """Parse `k2:<base64>,k1:<base64>`. Raises ImproperlyConfigured, without showing a key."""
    keys: dict[str, MasterKey] = {}
    for position, entry in enumerate(filter(None, map(str.strip, text.split(","))), start=1):
        name, _, value = entry.partition(":")
        if not name or name in keys:
            raise ImproperlyConfigured(f"VAULT_KEYS: entry {position} needs a name of its own.")
        if not NAME.fullmatch(name):
            raise ImproperlyConfigured(f"VAULT_KEYS: the name of entry {position} is not {NAMES}.")
        keys[name] = _parse_keyset(position, value)
    if not keys:
        raise ImproperlyConfigured(
            "VAULT_KEYS is empty. Put the old key back; only a new site needs a new one."
        )
    return KeyRing(keys)


def _parse_keyset(position: int, value: str) -> MasterKey:
    try:
        raw = base64.b64decode(value, validate=True)
        handle = proto_keyset_format.parse(raw, secret_key_access.TOKEN)
        return MasterKey(_fingerprint(raw), handle.primitive(aead.Aead))
    except (binascii.Error, tink.TinkError) as error:
        raise ImproperlyConfigured(f"VAULT_KEYS: entry {position} is not a key.") from error


def _fingerprint(keyset: bytes) -> str:
    # The keyset holds 256 random bits: its hash cannot be reversed.
    return hashlib.sha256(VERSION + b"|fingerprint|" + keyset).hexdigest()[:32]


@lru_cache(maxsize=2)
def _ring_of(text: str) -> KeyRing:
    return parse_ring(text)


def ring() -> KeyRing:
    """Return the key ring of the settings, parsed once per value."""
    return _ring_of(settings.VAULT_KEYS)
