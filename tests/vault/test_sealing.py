import json
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vault.key_ring import KeyRing, new_keyset, parse_ring
from vault.sealing import BLOCK_SIZE, CannotOpen, PersonKey, pack, unpack

VECTORS = json.loads((Path(__file__).parent / "vectors" / "v1.json").read_text())
OWNER = UUID("11111111-1111-4111-8111-111111111111")
ROW = UUID("22222222-2222-4222-8222-222222222222")
DERIVED = "b376551a-c88c-4bc8-bd99-b0f04bdc453c"


def ring_of(*names: str) -> KeyRing:
    return parse_ring(",".join(f"{name}:{new_keyset()}" for name in names))


def key_of(owner: UUID = OWNER) -> PersonKey:
    ring = ring_of("k1")
    return ring.unwrap(owner, "k1", ring.new_person_key(owner))


def test_sealed_bytes_open_under_the_same_key_purpose_and_row() -> None:
    key = key_of()

    sealed = key.seal("journal.letter", ROW, b"Dear M.")

    assert key.open("journal.letter", ROW, sealed) == b"Dear M."
    assert b"Dear" not in sealed


def test_the_same_words_seal_to_different_bytes() -> None:
    key = key_of()

    assert key.seal("p", ROW, b"words") != key.seal("p", ROW, b"words")


@pytest.mark.parametrize(
    ("purpose", "row"),
    [("healing.answer", ROW), ("journal.letter", uuid4())],
    ids=["another purpose", "another row"],
)
def test_bytes_moved_elsewhere_do_not_open(purpose: str, row: UUID) -> None:
    key = key_of()
    sealed = key.seal("journal.letter", ROW, b"Dear M.")

    with pytest.raises(CannotOpen):
        key.open(purpose, row, sealed)


def test_another_persons_key_does_not_open() -> None:
    sealed = key_of().seal("journal.letter", ROW, b"Dear M.")

    with pytest.raises(CannotOpen):
        key_of().open("journal.letter", ROW, sealed)


def test_every_flipped_byte_and_every_cut_is_refused() -> None:
    key = key_of()
    sealed = key.seal("journal.letter", ROW, b"Dear M.")
    broken = [sealed[:length] for length in range(len(sealed))]
    broken += [
        sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :] for at in range(len(sealed))
    ]
    broken += [b"\x00" + sealed, sealed + b"\x00"]

    for bytes_ in broken:
        with pytest.raises(CannotOpen):
            key.open("journal.letter", ROW, bytes_)


def test_wrapped_key_of_another_owner_does_not_unwrap() -> None:
    ring = ring_of("k1")
    wrapped = ring.new_person_key(OWNER)

    with pytest.raises(CannotOpen):
        ring.unwrap(uuid4(), "k1", wrapped)


def test_repr_of_a_key_shows_its_owner_only() -> None:
    assert repr(key_of()) == f"PersonKey({OWNER})"


@given(
    st.dictionaries(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
)
def test_any_contents_are_unpacked_as_they_were(contents: dict[str, str]) -> None:
    assert unpack(pack(contents)) == contents


def test_packed_length_grows_in_blocks() -> None:
    assert {len(pack({"body": "x" * n})) for n in range(200)} == {BLOCK_SIZE}


@pytest.mark.parametrize("vector", VECTORS["person"], ids=lambda vector: vector["purpose"])
def test_frozen_vectors_still_open(vector: dict[str, str]) -> None:
    ring = parse_ring(VECTORS["ring"])
    owner = UUID(vector["owner"])
    key = ring.unwrap(owner, vector["kek"], bytes.fromhex(vector["wrapped"]))

    data = key.open(vector["purpose"], UUID(vector["row"]), bytes.fromhex(vector["sealed"]))

    assert unpack(data) == vector["contents"]


def test_derived_id_is_of_one_key_purpose_and_id() -> None:
    key, other = key_of(), uuid4()
    derived = key.derive_id("journal.letter", ROW)

    assert key.derive_id("journal.letter", ROW) == derived
    assert derived not in {
        ROW,
        key.derive_id("healing.answer", ROW),
        key.derive_id("journal.letter", other),
        key_of().derive_id("journal.letter", ROW),
    }


def test_frozen_derived_ids_are_still_the_same() -> None:
    """Otherwise a letter whose page is still open would be saved a second time."""
    ring, vector = parse_ring(VECTORS["ring"]), VECTORS["person"][0]
    key = ring.unwrap(OWNER, vector["kek"], bytes.fromhex(vector["wrapped"]))

    assert key.derive_id("journal.letter", ROW) == UUID(DERIVED)
