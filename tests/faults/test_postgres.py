"""Postgres is restarted in use: pages are calm, nothing is lost, and everything works again."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager

import pytest
from django.conf import settings
from django.utils.html import escape

from tests.faults.deployment import Deployment
from tests.faults.visitor import Page, Visitor
from tests.support.smtp import Sink
from tests.support.waiting import PATIENCE, wait_for

WORDS = "I kept “checking” <b>& checking</b>.\nThen I slept."
DESK = "/journal/write/them/"
HOLD, RETURNED = "/accounts/returned/hold/", "/accounts/returned/"

End = Callable[[Deployment], None]
ends = pytest.mark.parametrize(
    "end", [Deployment.stop_postgres, Deployment.kill_postgres], ids=["fast", "9"]
)


@pytest.fixture
def people() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as people:
        yield people


def mail(deployment: Deployment) -> None:
    deployment.call("mail", "anna")


def note(deployment: Deployment) -> None:
    deployment.call("note", "anna")


def _at_the_insert(deployment: Deployment, alice: Visitor) -> AbstractContextManager[None]:
    return deployment.locking("LOCK TABLE journal_letter IN SHARE MODE")


@contextmanager
def _at_the_commit(deployment: Deployment, alice: Visitor) -> Iterator[None]:
    """The letter is inserted, and its transaction waits to commit."""
    deployment.sql(
        "CREATE FUNCTION wait_here() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN PERFORM pg_advisory_xact_lock(42); RETURN NEW; END'"
    )
    deployment.sql(
        "CREATE CONSTRAINT TRIGGER wait_here AFTER INSERT ON journal_letter"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait_here()"
    )
    try:
        with deployment.locking("SELECT pg_advisory_xact_lock(42)"):
            yield
    finally:
        # The test has stopped the server.
        deployment.start_postgres()
        deployment.sql("DROP FUNCTION wait_here CASCADE")
        deployment.stop_postgres()


def _after_the_commit(deployment: Deployment, alice: Visitor) -> AbstractContextManager[None]:
    """The letter is committed. What fails is the update of their last visit."""
    deployment.sql("UPDATE accounts_user SET last_visit_at = NULL WHERE email = %s", alice.email)
    person = "SELECT 1 FROM accounts_user WHERE email = %s FOR NO KEY UPDATE"
    return deployment.locking(person, alice.email)


@ends
@pytest.mark.parametrize(
    ("hold", "query", "kept"),
    [
        (_at_the_insert, 'INSERT INTO "journal_letter"%', 0),
        (_at_the_commit, 'INSERT INTO "journal_letter"%', 0),
        (_after_the_commit, 'UPDATE "accounts_user"%', 1),
    ],
    ids=["insert", "commit", "later"],
)
def test_letter_on_its_way_comes_back_and_is_kept_once_when_it_is_sent_again(
    deployment: Deployment,
    people: ThreadPoolExecutor,
    end: End,
    hold: Callable[[Deployment, Visitor], AbstractContextManager[None]],
    query: str,
    kept: int,
) -> None:
    alice = deployment.person(f"alice-{end.__name__}-{hold.__name__}".replace("_", ""))
    sheet = alice.desk(WORDS, to="M.")

    with hold(deployment, alice):
        on_its_way = people.submit(alice.keep, sheet)
        deployment.wait_for_lock(query)
        end(deployment)
        page = on_its_way.result()

    assert (page.status, page.is_calm) == (503, True)
    deployment.start_postgres()
    assert len(deployment.call("letters", alice.email)) == kept
    again = alice.keep(page.form(DESK))
    assert again.status == 302
    assert deployment.call("letters", alice.email) == [WORDS]
    assert escape("“checking” <b>& checking</b>") in alice.get(again.location).text


@ends
def test_pages_are_calm_while_it_is_down_and_all_is_well_when_it_is_back(
    deployment: Deployment, sink: Sink, end: End
) -> None:
    alice = deployment.person(f"down-{end.__name__}".replace("_", ""))
    sheet, before = alice.desk(WORDS), _pids(deployment)

    end(deployment)

    for address in ("/today/", "/journal/", "/", "/accounts/login/"):
        page = alice.get(address)
        assert (address, page.status, page.is_calm) == (address, 503, True)
        assert page.headers["Cache-Control"] == "no-store, private"
    page = alice.keep(sheet)
    assert (page.status, page.is_calm) == (503, True)
    assert deployment.stranger().get("/healthz").status == 200
    assert deployment.stranger().get("/readyz").status == 503
    _help_and_the_way_out_work(alice)

    deployment.start_postgres()

    # Leaving has invalidated the page's token, and nobody could say whose words these are.
    page = alice.post(HOLD, page.form(HOLD))
    assert page.status == 403
    assert alice.post(HOLD, page.form(HOLD)).location == RETURNED
    page = alice.get(RETURNED)
    assert alice.keep(page.form(DESK)).status == 302
    assert deployment.call("letters", alice.email) == [WORDS]
    assert deployment.is_ready()
    # Beat and each child of the worker reconnect by themselves.
    deployment.call("mail", "after")
    wait_for(lambda: sink.to == ["after@example.org"], "the mail")
    so_far = deployment.worker.log_size
    deployment.ticks(10)
    assert not deployment.worker.logged("OperationalError", since=so_far)
    assert _pids(deployment) == before


def _help_and_the_way_out_work(visitor: Visitor) -> None:
    for address in ("/help/", "/help/gb/"):
        assert visitor.get(address).status == 200
    page = visitor.get("/leave/")
    assert (page.status, page.location) == (303, "https://www.wikipedia.org/")
    # The cookie that asks the next page to lock.
    assert visitor.cookies.pop("left") == "1"


def _pids(deployment: Deployment) -> list[int]:
    return [program.pid for program in deployment.programs.values()]


def test_restart_between_two_requests_is_not_noticed(
    deployment: Deployment, people: ThreadPoolExecutor
) -> None:
    """Every thread of the web server has a connection of its own that was ended."""
    browsers = [deployment.person(f"idle{number}") for number in range(8)]

    def all_at_once() -> list[int]:
        with deployment.locking("LOCK TABLE journal_letter IN ACCESS EXCLUSIVE MODE"):
            asked: list[Future[Page]] = [
                people.submit(browser.get, "/journal/") for browser in browsers
            ]
            # Of two processes with four threads each, at least one is busy with all of its own.
            deployment.wait_for_lock("SELECT%journal_letter%", count=4)
        return [page.result().status for page in asked]

    assert all_at_once() == [200] * 8
    deployment.stop_postgres()
    deployment.start_postgres()
    assert all_at_once() == [200] * 8


def test_seconds_for_a_database_that_does_not_answer_are_few() -> None:
    assert settings.DATABASES["default"]["OPTIONS"]["connect_timeout"] == 5


def test_database_that_does_not_answer_holds_nobody_for_ever(
    deployment: Deployment, people: ThreadPoolExecutor
) -> None:
    alice, bob, carol = (deployment.person(f"{name}-waits") for name in ("alice", "bob", "carol"))
    sheet = alice.desk(WORDS)
    deployment.kill_postgres()

    with _black_hole(deployment.postgres_port):
        asked = [
            people.submit(alice.keep, sheet),
            people.submit(bob.get, "/today/"),
            people.submit(carol.get, "/leave/"),
        ]
        # It never answers, so a page that comes has stopped waiting for it.
        kept, today, left = (page.result(PATIENCE) for page in asked)

    # Nobody could say whose words these are: they wait on the page, sealed.
    assert (kept.status, kept.is_calm, WORDS in kept.text) == (503, True, False)
    assert kept.form(HOLD)["sealed_form"]
    assert (today.status, today.is_calm) == (503, True)
    assert (left.status, left.location) == (303, "https://www.wikipedia.org/")


@contextmanager
def _black_hole(port: int) -> Iterator[None]:
    """Accept connections at this port, and never answer."""
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen(64)
        yield


@ends
@pytest.mark.parametrize("make", [mail, note])
def test_mail_that_leaves_meanwhile_is_written_down_when_it_is_back(
    deployment: Deployment, sink: Sink, end: End, make: Callable[[Deployment], None]
) -> None:
    # The relay answers while the database is away.
    ended = threading.Event()

    def fall() -> None:
        sink.when_handed_over = lambda: None
        end(deployment)
        ended.set()

    sink.when_handed_over = fall
    make(deployment)
    assert ended.wait(PATIENCE)
    deployment.start_postgres()

    deployment.wait_for_states("sent")
    deployment.let_time_pass(20)
    deployment.ticks(3)
    assert sink.to == ["anna@example.org"]
