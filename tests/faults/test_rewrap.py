"""A new master key: `vault_rewrap` killed half way and run again, and two of it at once."""

import re
from collections.abc import Iterator
from uuid import UUID

import pytest

from tests.faults.house import House, Program
from vault.actions import BATCH_SIZE

COMMAND = "python manage.py vault_rewrap"
HOLD = """
CREATE FUNCTION wait_here() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_advisory_xact_lock(42); RETURN NEW; END $$;
CREATE TRIGGER wait_here BEFORE UPDATE ON vault_key FOR EACH ROW
WHEN (NEW.owner_id = '{owner}') EXECUTE FUNCTION wait_here();
"""


@pytest.fixture
def rotation(house: House) -> Iterator[str]:
    """More keys than one batch holds, and the ring that is to wrap them from now on."""
    house.inside("crowd", BATCH_SIZE + 50)
    old, new = house.environment["VAULT_KEYS"].split(",")
    yield f"{new},{old}"
    house.sql("DROP FUNCTION IF EXISTS wait_here CASCADE")
    house.sql(
        "DELETE FROM vault_key WHERE owner_id IN (SELECT id FROM accounts_user"
        " WHERE email LIKE 'crowd%')"
    )
    house.sql("DELETE FROM accounts_user WHERE email LIKE 'crowd%'")


def _start(house: House, name: str, ring: str) -> Program:
    program = house.another(COMMAND, name, VAULT_KEYS=ring)
    program.start()
    return program


def _wrapped_by(house: House) -> dict[str, int]:
    return dict(house.sql("SELECT kek, count(*) FROM vault_key GROUP BY kek"))


def _owner(house: House, place: int) -> UUID:
    query = "SELECT owner_id FROM vault_key WHERE kek = 'k1' ORDER BY owner_id OFFSET %s LIMIT 1"
    return UUID(str(house.sql(query, place)[0][0]))


def _done(program: Program) -> int:
    assert program.process
    assert program.process.wait(60) == 0
    said = re.search(r"(\d+) keys now wrapped by k2", program.log.read_text())
    assert said
    return int(said[1])


def _all_open(house: House) -> bool:
    """Each by the master key that its row names."""
    return house.inside("closed_keys") == 0


def test_killed_half_way_and_run_again(house: House, rotation: str) -> None:
    before = _wrapped_by(house)
    house.sql(HOLD.format(owner=_owner(house, BATCH_SIZE + 20)))
    with house.holding("SELECT pg_advisory_xact_lock(42)"):
        first = _start(house, "rewrap", rotation)
        house.wait_for_lock('UPDATE "vault_key"%')
        first.kill()

    # One batch is done, the other is as it was: no key is between two.
    left, done = before["k1"] - BATCH_SIZE, before.get("k2", 0) + BATCH_SIZE
    assert _wrapped_by(house) == {"k1": left, "k2": done}
    assert _all_open(house)
    assert _done(_start(house, "again", rotation)) == left
    assert _wrapped_by(house) == {"k2": left + done}
    assert _all_open(house)


def test_two_at_once_share_the_work(house: House, rotation: str) -> None:
    before = _wrapped_by(house)
    house.sql(HOLD.format(owner=_owner(house, 10)))
    with house.holding("SELECT pg_advisory_xact_lock(42)"):
        first = _start(house, "one", rotation)
        house.wait_for_lock('UPDATE "vault_key"%')
        assert _done(_start(house, "two", rotation)) == before["k1"] - BATCH_SIZE

    assert _done(first) == BATCH_SIZE
    assert _wrapped_by(house) == {"k2": sum(before.values())}
    assert _all_open(house)
