"""A full disk: calm pages, words that are returned, nothing half stored, and then it goes on."""

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from local.supervisor import WORKER
from tests.faults.deployment import Deployment, Program
from tests.support.smtp import Sink
from tests.support.waiting import wait_for

DESK = "/journal/write/them/"
LONG = "I kept checking. " * 5_000


@pytest.fixture
def full(deployment: Deployment) -> Iterator[Deployment]:
    """A deployment whose disk can be filled, by `fill` of its Postgres host."""
    if deployment.has_small_disk:
        # Autovacuum may delete the file that each new session reads first, and on a full disk it
        # could not be written again.
        _set_autovacuum(deployment, "off")
        yield deployment
        _set_autovacuum(deployment, "on")
        return
    reason = "NOT RUN: no disk can be mounted here, not even in a namespace of its own"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def _set_autovacuum(deployment: Deployment, to: str) -> None:
    deployment.sql(f"ALTER SYSTEM SET autovacuum = {to}")
    deployment.sql("SELECT pg_reload_conf()")


def test_postgres_on_a_full_disk(full: Deployment, sink: Sink) -> None:
    deployment = full
    alice, bob, before = deployment.person("alice"), deployment.person("bob"), deployment.web.pid
    first = alice.keep(alice.desk("A first letter"))
    sheet = alice.desk(LONG)
    assert deployment.call("look")["writes"] == "ok"
    deployment.postgres_host.ask("fill")
    assert deployment.call("look")["writes"] == "the disk is full"

    page = alice.keep(sheet)

    assert (page.status, page.is_calm, page.form(DESK)["body"]) == (503, True, LONG)
    assert deployment.call("letters", alice.email) == ["A first letter"]
    # Letters can be read, and leaving works although it would write to the session.
    assert "A first letter" in alice.get(first.location).text
    assert alice.get("/journal/").status == 200
    assert deployment.stranger().get("/help/").status == 200
    assert bob.get("/leave/").status == 303

    deployment.postgres_host.ask("free")

    wait_for(deployment.is_ready, "the database to be back")
    assert deployment.call("look")["writes"] == "ok"
    assert alice.keep(page.form(DESK)).status == 302
    assert deployment.call("letters", alice.email) == ["A first letter", LONG]
    deployment.call("mail", "after")
    wait_for(lambda: sink.to == ["after@example.org"], "the mail")
    assert deployment.web.pid == before


def test_web_server_that_cannot_write_a_byte(deployment: Deployment) -> None:
    """None of its files can grow, and its output goes to a full device, through a buffer."""
    web, visitor = deployment.extra_web("unwritable", PYTHONUNBUFFERED="")
    web.start(output=Path("/dev/full"))
    wait_for(visitor.is_answered, "the web server")
    _may_write_nothing(web)
    visitor.cookies = deployment.person("alice").cookies

    assert visitor.keep(visitor.desk(LONG)).status == 302
    assert deployment.call("letters", "alice@example.org") == [LONG]
    # Each of these is logged.
    assert visitor.get("/nowhere/").status == 404
    assert visitor.post(DESK, {"body": "no token"}).status == 403
    deployment.stop_postgres()
    assert visitor.get("/today/").status == 503
    deployment.start_postgres()
    assert visitor.get("/today/").status == 200
    assert web.is_running


def _may_write_nothing(program: Program) -> None:
    """Let none of its files grow any more, as on a disk that fills up while it runs."""
    for process in (psutil.Process(program.pid), *program.children):
        process.rlimit(psutil.RLIMIT_FSIZE, (0, 0))


def test_worker_that_cannot_write_a_byte(deployment: Deployment, sink: Sink) -> None:
    """Also where its output is buffered, as without PYTHONUNBUFFERED."""
    deployment.worker.kill()
    worker = deployment.extra_program(WORKER.command, "unwritable", PYTHONUNBUFFERED="")
    worker.start(output=Path("/dev/full"))
    deployment.ticks(1)
    _may_write_nothing(worker)
    deployment.call("mail", "bea")
    sink.answer = "451 4.3.0 later"
    refused = "SELECT 1 FROM mail_message WHERE state = 'due' AND refused_at IS NOT NULL"
    wait_for(lambda: deployment.sql(refused), "a first try")

    sink.answer = ""
    deployment.let_time_pass(16)
    deployment.wait_for_states("sent")
    assert sink.to == ["bea@example.org"]
