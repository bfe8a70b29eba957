"""Authenticated encryption of what people write, with one key per person (ADR 5).

Every person has a Tink AES-256-GCM keyset, stored wrapped by a master key from the environment.
The associated data of a ciphertext names its purpose, owner and row: bytes moved to another place
do not decrypt there.

Wire format: Tink's own, `0x01 | key id (4) | nonce (12) | ciphertext | tag (16)`.
"""

import hmac
import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import tink
from tink import aead, proto_keyset_format, secret_key_access
from tink.proto import aes_gcm_pb2, tink_pb2

VERSION = b"vault/v1"
# Plaintext is padded to whole blocks, so that its length reveals little.
BLOCK_SIZE = 256

# What psycopg returns for a bytea column.
Bytes = bytes | memoryview

aead.register()


class CannotOpen(Exception):
    """These bytes cannot be decrypted under this key, purpose, owner and row."""


def associated_data(purpose: str, *ids: UUID) -> bytes:
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
        return bytes(self._aead.encrypt(data, associated_data(purpose, self.owner, row)))

    def open(self, purpose: str, row: UUID, sealed: Bytes) -> bytes:
        return decrypt(self._aead, sealed, associated_data(purpose, self.owner, row))

    def derive_id(self, purpose: str, id: UUID) -> UUID:
        """Return an id that nobody can derive from another one without this key.

        Always the same one: it depends neither on SECRET_KEY nor on the master keys.
        """
        data = associated_data(purpose, self.owner, id)
        digest = hmac.digest(_derivation_key(self._keyset), data, "sha256")
        return UUID(bytes=digest[:16], version=4)

    def __repr__(self) -> str:
        return f"PersonKey({self.owner})"


def _derivation_key(keyset: Any) -> bytes:
    """Derive a key for HMAC from the oldest AES key of a keyset, by HKDF-Expand (RFC 5869)."""
    serialized = proto_keyset_format.serialize(keyset, secret_key_access.TOKEN)
    oldest = tink_pb2.Keyset.FromString(serialized).key[0].key_data.value
    secret = aes_gcm_pb2.AesGcmKey.FromString(oldest).key_value
    return hmac.digest(secret, VERSION + b"|ids\x01", "sha256")


def decrypt(key: aead.Aead, sealed: Bytes, associated_data: bytes) -> bytes:
    try:
        return bytes(key.decrypt(bytes(sealed), associated_data))
    except tink.TinkError as error:
        raise CannotOpen from error
