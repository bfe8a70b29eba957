import base64
import json
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest
from django.core.exceptions import ImproperlyConfigured
from tink.proto import tink_pb2

from local.folder import ROOT
from vault.key_ring import KeyRing, new_keyset, parse_ring
from vault.sealing import CannotOpen, unpack

VECTORS = json.loads((Path(__file__).parent / "vectors" / "v1.json").read_text())
OWNER = UUID("11111111-1111-4111-8111-111111111111")
ROW = UUID("22222222-2222-4222-8222-222222222222")


def ring_of(*names: str) -> KeyRing:
    return parse_ring(",".join(f"{name}:{new_keyset()}" for name in names))


def test_rewrapped_key_opens_after_the_old_master_key_is_gone() -> None:
    old, new = new_keyset(), new_keyset()
    before = parse_ring(f"k1:{old}")
    wrapped = before.new_person_key(OWNER)
    sealed = before.unwrap(OWNER, "k1", wrapped).seal("p", ROW, b"words")

    rewrapped = parse_ring(f"k2:{new},k1:{old}").rewrap(OWNER, "k1", wrapped)

    after = parse_ring(f"k2:{new}")
    assert after.unwrap(OWNER, "k2", rewrapped).open("p", ROW, sealed) == b"words"
    with pytest.raises(CannotOpen):
        after.unwrap(OWNER, "k1", wrapped)


def test_ring_opens_what_an_older_master_key_sealed() -> None:
    old, new = new_keyset(), new_keyset()
    sealed = parse_ring(f"k1:{old}").seal("mail.message", ROW, b"code")

    assert parse_ring(f"k2:{new},k1:{old}").open("mail.message", ROW, sealed) == b"code"
    with pytest.raises(CannotOpen):
        parse_ring(f"k2:{new}").open("mail.message", ROW, sealed)


@pytest.mark.parametrize("sealed", [b"", b"\n", b"k1", b"k1\n", b"k1\nx", b"k9\nx", b"\xff\nx"])
def test_ring_refuses_bytes_that_are_not_its_own(sealed: bytes) -> None:
    with pytest.raises(CannotOpen):
        ring_of("k1").open("mail.message", ROW, sealed)


@pytest.mark.parametrize(
    "text",
    ["", " , ", "k1", "k1:", "k1:not base64", "k1:QUJD", ":" + "QUJD"],
)
def test_invalid_key_ring_is_refused_without_showing_a_key(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="VAULT_KEYS") as caught:
        parse_ring(text)

    assert "QUJD" not in str(caught.value)


BAD_NAMES = ["k" * 41, "k\n1", "k1\n", "k 1", "k.1", "k/1", "schlüssel", "k\u0661", "“k1”", "k\0"]


@pytest.mark.parametrize("name", BAD_NAMES)
@pytest.mark.parametrize("place", [1, 2])
def test_name_that_cannot_be_stored_is_refused(name: str, place: int) -> None:
    """A longer one fits no row, and what is sealed under a line break never opens."""
    entries = [f"k0:{new_keyset()}", f"k9:{new_keyset()}"]
    entries[place - 1] = f"{name}:{new_keyset()}"

    with pytest.raises(ImproperlyConfigured, match=f"VAULT_KEYS: the name of entry {place} ") as no:
        parse_ring(",".join(entries))

    assert "40" in str(no.value)


@pytest.mark.parametrize("name", ["k" * 40, "k1", "2026-11_a", "-", "K"])
def test_name_that_can_be_stored_seals(name: str) -> None:
    ring = ring_of(name)

    assert ring.open("p", ROW, ring.seal("p", ROW, b"words")) == b"words"


@pytest.mark.parametrize("name", BAD_NAMES[:2])
def test_no_key_is_made_under_a_name_that_cannot_be_stored(name: str) -> None:
    made = subprocess.run(
        [sys.executable, "-m", "vault", name], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert (made.returncode, made.stdout) == (1, "")
    assert made.stderr == "A name of a master key is 1 to 40 of A-Z, a-z, 0-9, “-” and “_”.\n"


def test_fingerprint_tells_keys_apart_and_stays() -> None:
    assert parse_ring(VECTORS["ring"]).fingerprints == VECTORS["fingerprints"]
    assert len({ring_of("k1").fingerprints["k1"] for _ring in range(20)}) == 20


def test_same_key_written_in_another_order_has_the_same_fingerprint() -> None:
    """As other programs that write Tink keysets may: their fields, and named defaults."""
    plain = base64.b64decode(VECTORS["ring"].split(",")[0].partition(":")[2])
    keyset = tink_pb2.Keyset.FromString(plain)
    keys = tink_pb2.Keyset(key=keyset.key).SerializeToString()
    primary = tink_pb2.Keyset(primary_key_id=keyset.primary_key_id).SerializeToString()
    keyset.key[0].key_data.value += b"\x08\x00"
    for raw in (keys + primary, keyset.SerializeToString()):
        assert raw != plain
        ring = parse_ring(f"k1:{base64.b64encode(raw).decode()}")
        assert ring.fingerprints["k1"] == VECTORS["fingerprints"]["k1"]


def test_two_master_keys_of_one_name_are_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="a name of its own"):
        parse_ring(f"k1:{new_keyset()},k1:{new_keyset()}")


def test_frozen_vector_of_the_ring_still_opens() -> None:
    vector = VECTORS["master"]

    data = parse_ring(VECTORS["ring"]).open(
        vector["purpose"], UUID(vector["row"]), bytes.fromhex(vector["sealed"])
    )

    assert unpack(data) == vector["contents"]
