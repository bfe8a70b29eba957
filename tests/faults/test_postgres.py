"""Postgres is restarted under use: pages are calm, nothing is lost, and all of it comes back."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager

import pytest
from django.conf import settings
from django.utils.html import escape

from tests.faults.house import House
from tests.faults.visitor import Page, Visitor
from tests.faults.waiting import PATIENCE, wait_for
from tests.support.smtp import Sink

WORDS = "I kept “checking” <b>& checking</b>.\nThen I slept."
DESK = "/journal/write/them/"

End = Callable[[House], None]
ends = pytest.mark.parametrize("end", [House.stop_postgres, House.kill_postgres], ids=["fast", "9"])


@pytest.fixture
def people() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as people:
        yield people


def mail(house: House) -> None:
    house.inside("mail", "anna")


def note(house: House) -> None:
    house.inside("note", "anna")


def _at_the_insert(house: House, alice: Visitor) -> AbstractContextManager[None]:
    return house.holding("LOCK TABLE journal_letter IN SHARE MODE")


@contextmanager
def _at_the_commit(house: House, alice: Visitor) -> Iterator[None]:
    """The letter is stored and not yet kept: its statement commits by itself."""
    house.sql(
        "CREATE FUNCTION wait_here() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN PERFORM pg_advisory_xact_lock(42); RETURN NEW; END'"
    )
    house.sql(
        "CREATE CONSTRAINT TRIGGER wait_here AFTER INSERT ON journal_letter"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait_here()"
    )
    try:
        with house.holding("SELECT pg_advisory_xact_lock(42)"):
            yield
    finally:
        # The server is another one by now.
        house.start_postgres()
        house.sql("DROP FUNCTION wait_here CASCADE")
        house.stop_postgres()


def _after_the_commit(house: House, alice: Visitor) -> AbstractContextManager[None]:
    """The letter is kept; what fails is the note that somebody was here."""
    house.sql("UPDATE accounts_user SET last_visit_at = NULL WHERE email = %s", alice.email)
    person = "SELECT 1 FROM accounts_user WHERE email = %s FOR NO KEY UPDATE"
    return house.holding(person, alice.email)


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
    house: House,
    people: ThreadPoolExecutor,
    end: End,
    hold: Callable[[House, Visitor], AbstractContextManager[None]],
    query: str,
    kept: int,
) -> None:
    alice = house.person(f"alice-{end.__name__}-{hold.__name__}".replace("_", ""))
    sheet = alice.desk(WORDS, to="M.")

    with hold(house, alice):
        on_its_way = people.submit(alice.keep, sheet)
        house.wait_for_lock(query)
        end(house)
        page = on_its_way.result()

    assert (page.status, page.is_calm) == (503, True)
    house.start_postgres()
    assert len(house.inside("letters", alice.email)) == kept
    again = alice.keep(page.form(DESK))
    assert again.status == 302
    assert house.inside("letters", alice.email) == [WORDS]
    assert escape("“checking” <b>& checking</b>") in alice.get(again.location).text


@ends
def test_pages_are_calm_while_it_is_down_and_all_is_well_when_it_is_back(
    house: House, sink: Sink, end: End
) -> None:
    alice = house.person(f"down-{end.__name__}".replace("_", ""))
    sheet, before = alice.desk(WORDS), _pids(house)

    end(house)

    for address in ("/today/", "/journal/", "/", "/accounts/login/"):
        page = alice.get(address)
        assert (address, page.status, page.is_calm) == (address, 503, True)
        assert page.headers["Cache-Control"] == "no-store, private"
    page = alice.keep(sheet)
    assert (page.status, page.is_calm) == (503, True)
    assert house.stranger().get("/healthz").status == 200
    assert house.stranger().get("/readyz").status == 503
    _help_and_the_way_out_work(alice)

    house.start_postgres()

    assert alice.get("/today/").status == 200
    assert alice.keep(page.form(DESK)).status == 302
    assert house.inside("letters", alice.email) == [WORDS]
    assert house.is_ready()
    # Worker and clock find back by themselves, each child of the worker.
    house.inside("mail", "after")
    wait_for(lambda: sink.to == ["after@example.org"], "the mail")
    so_far = house.worker.so_far
    house.ticks(10)
    assert not house.worker.said("OperationalError", since=so_far)
    assert _pids(house) == before


def _help_and_the_way_out_work(visitor: Visitor) -> None:
    for address in ("/help/", "/help/gb/"):
        assert visitor.get(address).status == 200
    page = visitor.get("/leave/")
    assert (page.status, page.location) == (303, "https://www.wikipedia.org/")
    # Its mark is for the next page that can lock.
    assert visitor.cookies.pop("left") == "1"


def _pids(house: House) -> list[int]:
    return [program.pid for program in house.programs.values()]


def test_restart_between_two_requests_is_not_noticed(
    house: House, people: ThreadPoolExecutor
) -> None:
    """Every thread of the web server holds a connection of its own that has gone stale."""
    browsers = [house.person(f"idle{number}") for number in range(8)]

    def all_at_once() -> list[int]:
        with house.holding("LOCK TABLE journal_letter IN ACCESS EXCLUSIVE MODE"):
            asked: list[Future[Page]] = [
                people.submit(browser.get, "/journal/") for browser in browsers
            ]
            # Two servers with four threads each: one of them is busy with all four.
            house.wait_for_lock('SELECT%"journal_letter"%', count=4)
        return [page.result().status for page in asked]

    assert all_at_once() == [200] * 8
    house.stop_postgres()
    house.start_postgres()
    assert all_at_once() == [200] * 8


def test_seconds_for_a_database_that_does_not_answer_are_few() -> None:
    assert settings.DATABASES["default"]["OPTIONS"]["connect_timeout"] == 5


def test_database_that_does_not_answer_holds_nobody_for_ever(
    house: House, people: ThreadPoolExecutor
) -> None:
    alice, bob, carol = (house.person(f"{name}-waits") for name in ("alice", "bob", "carol"))
    sheet = alice.desk(WORDS)
    house.kill_postgres()

    with _black_hole(house.postgres_port):
        asked = [
            people.submit(alice.keep, sheet),
            people.submit(bob.get, "/today/"),
            people.submit(carol.get, "/leave/"),
        ]
        # It never answers: whoever gets a page has stopped waiting for it.
        kept, today, left = (page.result(PATIENCE) for page in asked)

    assert (kept.status, kept.is_calm, kept.form(DESK)["body"]) == (503, True, WORDS)
    assert (today.status, today.is_calm) == (503, True)
    assert (left.status, left.location) == (303, "https://www.wikipedia.org/")


@contextmanager
def _black_hole(port: int) -> Iterator[None]:
    """Somebody lifts the receiver and says nothing."""
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen(64)
        yield


@ends
@pytest.mark.parametrize("make", [mail, note])
def test_mail_that_leaves_meanwhile_is_written_down_when_it_is_back(
    house: House, sink: Sink, end: End, make: Callable[[House], None]
) -> None:
    # The answer comes while there is nobody who could write it down.
    ended = threading.Event()

    def fall() -> None:
        sink.when_handed_over = lambda: None
        end(house)
        ended.set()

    sink.when_handed_over = fall
    make(house)
    assert ended.wait(60)
    house.start_postgres()

    house.wait_for_states("sent")
    house.later(20)
    house.ticks(3)
    assert sink.to == ["anna@example.org"]
