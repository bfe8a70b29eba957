"""A full disk: calm pages, words that come back, nothing half stored, and on it goes afterwards."""

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.faults.house import House, Program
from tests.faults.waiting import wait_for
from tests.support.smtp import Sink

DESK = "/journal/write/them/"
LONG = "I kept checking. " * 5_000


@pytest.fixture
def full(house: House) -> Iterator[House]:
    """Postgres has not a byte left. Only `fill` of its keeper makes it so."""
    if house.has_small_disk:
        # It may do away with the file that each new session reads first, and nobody could write
        # another.
        _set_autovacuum(house, "off")
        yield house
        _set_autovacuum(house, "on")
        return
    reason = "NOT RUN: no disk can be mounted here, not even in a namespace of its own"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def _set_autovacuum(house: House, to: str) -> None:
    house.sql(f"ALTER SYSTEM SET autovacuum = {to}")
    house.sql("SELECT pg_reload_conf()")


def test_postgres_on_a_full_disk(full: House, sink: Sink) -> None:
    house = full
    alice, bob, before = house.person("alice"), house.person("bob"), house.web.pid
    first = alice.keep(alice.desk("A first letter"))
    sheet = alice.desk(LONG)
    house.machine.ask("fill")

    page = alice.keep(sheet)

    assert (page.status, page.is_calm, page.form(DESK)["body"]) == (503, True, LONG)
    assert house.inside("letters", alice.email) == ["A first letter"]
    # What is there can be read, and the way out works although it has something to write.
    assert "A first letter" in alice.get(first.location).text
    assert alice.get("/journal/").status == 200
    assert house.stranger().get("/help/").status == 200
    assert bob.get("/leave/").status == 303

    house.machine.ask("free")

    wait_for(house.is_ready, "the database to be back")
    assert alice.keep(page.form(DESK)).status == 302
    assert house.inside("letters", alice.email) == ["A first letter", LONG]
    house.inside("mail", "after")
    wait_for(lambda: sink.to == ["after@example.org"], "the mail")
    assert house.web.pid == before


def test_web_server_that_cannot_write_a_byte(house: House) -> None:
    """No file of its own can grow, and what it says goes to a full device."""
    web, visitor = house.another_web("unwritable")
    web.start(output=Path("/dev/full"))
    wait_for(visitor.is_answered, "the web server")
    _may_write_nothing(web)
    visitor.cookies = house.person("alice").cookies

    assert visitor.keep(visitor.desk(LONG)).status == 302
    assert house.inside("letters", "alice@example.org") == [LONG]
    # Each of these is worth a line in the log.
    assert visitor.get("/nowhere/").status == 404
    assert visitor.post(DESK, {"body": "no token"}).status == 403
    house.stop_postgres()
    assert visitor.get("/today/").status == 503
    house.start_postgres()
    assert visitor.get("/today/").status == 200
    assert web.runs


def _may_write_nothing(program: Program) -> None:
    """From now on no file of its own grows, as on a disk that has filled up while it ran."""
    for process in (psutil.Process(program.pid), *program.children):
        process.rlimit(psutil.RLIMIT_FSIZE, (0, 0))


def test_worker_that_cannot_write_a_byte(house: House, sink: Sink) -> None:
    house.worker.kill()
    house.worker.start(output=Path("/dev/full"))
    house.ticks(1)
    _may_write_nothing(house.worker)
    house.inside("mail", "bea")
    sink.answer = "451 4.3.0 later"
    attempts = "SELECT 1 FROM mail_message WHERE state = 'due' AND attempts = 1"
    wait_for(lambda: house.sql(attempts), "a first try")

    sink.answer = ""
    house.later(16)
    house.wait_for_states("sent")
    assert sink.to == ["bea@example.org"]
    house.worker.kill()
