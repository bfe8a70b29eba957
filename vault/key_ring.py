"""The master keys of VAULT_KEYS: they wrap person keys, and seal what is no account's (ADR 5)."""

import base64
import binascii
import hashlib
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

from vault.sealing import VERSION, Bytes, CannotOpen, PersonKey, associated_data, decrypt

# Names are stored with each key, and stand before a line break in what the ring seals.
NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")
AES_GCM = aead.aead_key_templates.AES256_GCM.type_url
NAMES = "1 to 40 of A-Z, a-z, 0-9, “-” and “_”"


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


@dataclass(frozen=True)
class MasterKey:
    # Tells keys of one name apart, and reveals nothing about them.
    fingerprint: str
    primitive: aead.Aead = field(repr=False)


class KeyRing:
    """The master keys by name. The first is the primary and seals; all of them open.

    What seals gets the ring from `vault.primary_key_check.sealing_ring`, which first compares the
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
        sealed = self._keys[self.primary].encrypt(data, associated_data(purpose, row))
        return b"\n".join([self.primary.encode(), sealed])

    def open(self, purpose: str, row: UUID, sealed: Bytes) -> bytes:
        """Open what `seal` returned. Raises CannotOpen."""
        name, _, data = bytes(sealed).partition(b"\n")
        try:
            key = self._keys[name.decode()]
        except (KeyError, UnicodeDecodeError) as error:
            raise CannotOpen from error
        return decrypt(key, data, associated_data(purpose, row))

    def _wrap(self, handle: Any, owner: UUID) -> bytes:
        master = self._keys[self.primary]
        wrapped = proto_keyset_format.serialize_encrypted(
            handle, master, associated_data("dek", owner)
        )
        return bytes(wrapped)

    def _unwrap(self, owner: UUID, name: str, wrapped: Bytes) -> Any:
        try:
            return proto_keyset_format.parse_encrypted(
                bytes(wrapped), self._keys[name], associated_data("dek", owner)
            )
        except (KeyError, tink.TinkError) as error:
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
    return hashlib.sha256(VERSION + b"|fingerprint|" + _canonical(keyset)).hexdigest()[:32]


def _canonical(keyset: bytes) -> bytes:
    """Return the bytes that we write for this keyset. Another program may order its fields
    otherwise, or name defaults: the same key must not be taken for a wrong one."""
    parsed = tink_pb2.Keyset.FromString(keyset)
    for key in parsed.key:
        if key.key_data.type_url == AES_GCM:
            value = aes_gcm_pb2.AesGcmKey.FromString(key.key_data.value)
            key.key_data.value = value.SerializeToString(deterministic=True)
    return bytes(parsed.SerializeToString(deterministic=True))


@lru_cache(maxsize=2)
def _ring_of(text: str) -> KeyRing:
    return parse_ring(text)


def ring() -> KeyRing:
    """Return the key ring of the settings, parsed once per value."""
    return _ring_of(settings.VAULT_KEYS)
