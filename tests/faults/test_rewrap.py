"""A new master key: `vault_rewrap` killed half way and run again, and two of it at once."""

import re
from collections.abc import Iterator
from uuid import UUID

import pytest

from tests.faults.deployment import Deployment, Program
from vault.rewrap import BATCH_SIZE

COMMAND = "python manage.py vault_rewrap"
HOLD = """
CREATE FUNCTION wait_here() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_advisory_xact_lock(42); RETURN NEW; END $$;
CREATE TRIGGER wait_here BEFORE UPDATE ON vault_key FOR EACH ROW
WHEN (NEW.owner_id = '{owner}') EXECUTE FUNCTION wait_here();
"""


@pytest.fixture
def rotation(deployment: Deployment) -> Iterator[str]:
    """More keys than one batch. Returns the VAULT_KEYS by which they are to be wrapped."""
    deployment.call("crowd", BATCH_SIZE + 50)
    old, new = deployment.environment["VAULT_KEYS"].split(",")
    yield f"{new},{old}"
    deployment.sql("DROP FUNCTION IF EXISTS wait_here CASCADE")
    deployment.sql(
        "DELETE FROM vault_key WHERE owner_id IN (SELECT id FROM accounts_user"
        " WHERE email LIKE 'crowd%')"
    )
    deployment.sql("DELETE FROM accounts_user WHERE email LIKE 'crowd%'")


def _start(deployment: Deployment, name: str, ring: str) -> Program:
    program = deployment.extra_program(COMMAND, name, VAULT_KEYS=ring)
    program.start()
    return program


def _wrapped_by(deployment: Deployment) -> dict[str, int]:
    return dict(deployment.sql("SELECT kek, count(*) FROM vault_key GROUP BY kek"))


def _owner(deployment: Deployment, place: int) -> UUID:
    query = "SELECT owner_id FROM vault_key WHERE kek = 'k1' ORDER BY owner_id OFFSET %s LIMIT 1"
    return UUID(str(deployment.sql(query, place)[0][0]))


def _done(program: Program) -> int:
    assert program.process
    assert program.process.wait(120) == 0
    said = re.search(r"(\d+) keys now wrapped by k2", program.log.read_text())
    assert said
    return int(said[1])


def _all_open(deployment: Deployment) -> bool:
    """Whether each key opens by the master key that its row names."""
    return deployment.call("unreadable_keys") == 0


def test_killed_half_way_and_run_again(deployment: Deployment, rotation: str) -> None:
    before = _wrapped_by(deployment)
    deployment.sql(HOLD.format(owner=_owner(deployment, BATCH_SIZE + 20)))
    with deployment.locking("SELECT pg_advisory_xact_lock(42)"):
        first = _start(deployment, "rewrap", rotation)
        deployment.wait_for_lock('UPDATE "vault_key"%')
        first.kill()

    # One batch is done, and the other is as it was.
    left, done = before["k1"] - BATCH_SIZE, before.get("k2", 0) + BATCH_SIZE
    assert _wrapped_by(deployment) == {"k1": left, "k2": done}
    assert _all_open(deployment)
    assert _done(_start(deployment, "again", rotation)) == left
    assert _wrapped_by(deployment) == {"k2": left + done}
    assert _all_open(deployment)


def test_two_at_once_share_the_work(deployment: Deployment, rotation: str) -> None:
    before = _wrapped_by(deployment)
    deployment.sql(HOLD.format(owner=_owner(deployment, 10)))
    with deployment.locking("SELECT pg_advisory_xact_lock(42)"):
        first = _start(deployment, "one", rotation)
        deployment.wait_for_lock('UPDATE "vault_key"%')
        assert _done(_start(deployment, "two", rotation)) == before["k1"] - BATCH_SIZE

    assert _done(first) == BATCH_SIZE
    assert _wrapped_by(deployment) == {"k2": sum(before.values())}
    assert _all_open(deployment)
