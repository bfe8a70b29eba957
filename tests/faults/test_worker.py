"""The worker is killed by -9 between every two states of a mail."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import psutil
import pytest

from tests.faults.house import House
from tests.faults.waiting import wait_for
from tests.support import smtp
from tests.support.smtp import Sink

Make = Callable[[House], None]
# Enter it with a mail that is due and no relay: inside, the worker stands still at that point.
Point = Callable[[House, ExitStack], AbstractContextManager[Sink]]


def mail(house: House) -> None:
    """A code that somebody waits for."""
    house.inside("mail", "anna", 10)


def note(house: House) -> None:
    house.inside("note", "anna")


def _relay(house: House, stack: ExitStack, sink: Sink | None = None) -> Sink:
    """The worker comes to it at once, so what is to happen then is told to its sink before."""
    return stack.enter_context(smtp.running(house.relay_port, sink))


@contextmanager
def due(house: House, stack: ExitStack) -> Iterator[Sink]:
    """It has a line to the relay and is about to claim."""
    with house.holding("LOCK TABLE mail_message IN SHARE MODE"):
        sink = _relay(house, stack)
        house.wait_for_lock("%UPDATE mail_message SET state%")
        yield sink


@contextmanager
def claimed(house: House, stack: ExitStack) -> Iterator[Sink]:
    """The mail is claimed, and none of it has left."""
    sink = _relay(house, stack, Sink(holds=True))
    assert sink.begun.wait(60)
    yield sink
    sink.holds = False
    sink.released.set()


@contextmanager
def handed_over(house: House, stack: ExitStack) -> Iterator[Sink]:
    """The relay has all of it and has not answered."""
    there, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        there.set()
        go_on.wait(60)

    sink = _relay(house, stack, Sink(when_handed_over=hold))
    assert there.wait(60)
    yield sink
    sink.when_handed_over = lambda: None
    go_on.set()


@contextmanager
def answered(house: House, stack: ExitStack) -> Iterator[Sink]:
    """The relay has said 250, and the word of it has not reached the database."""
    sink, session = Sink(), Future[tuple[int, int]]()

    def stop_listening() -> None:
        try:
            pid, port = _session_of_the_sender(house, sink)
            os.kill(pid, signal.SIGSTOP)
        except Exception as error:
            # It would be lost in the relay's thread.
            session.set_exception(error)
        else:
            session.set_result((pid, port))

    sink.when_handed_over = stop_listening
    _relay(house, stack, sink)
    pid, port = session.result(60)
    sink.when_handed_over = lambda: None
    wait_for(lambda: _unread(house.postgres_port, port), "the worker to write it down")
    yield sink
    house.sql("SELECT pg_terminate_backend(%s)", pid)
    os.kill(pid, signal.SIGCONT)
    wait_for(lambda: not psutil.pid_exists(pid), "its session to end")


@contextmanager
def being_written(house: House, stack: ExitStack) -> Iterator[Sink]:
    """The database has heard of it and cannot write it down yet."""
    lock = ExitStack()
    rows = house.holding("SELECT 1 FROM mail_message FOR UPDATE")
    sink = Sink(when_handed_over=lambda: lock.enter_context(rows))
    with lock:
        _relay(house, stack, sink)
        house.wait_for_lock('UPDATE "mail_message"%')
        sink.when_handed_over = lambda: None
        at_the_lock = house.at_a_lock('UPDATE "mail_message"%')
        yield sink
    # What was sent before the kill is done after it. Nobody changes the row before that.
    asked = "SELECT 1 FROM pg_stat_activity WHERE pid = ANY(%s) AND state = 'active'"
    wait_for(lambda: not house.sql(asked, at_the_lock), "the database to have written it")


def _session_of_the_sender(house: House, sink: Sink) -> tuple[int, int]:
    """The database session of the child that hands over this mail, and that child's port. Another
    child may have a line to the relay too, and find nothing to send."""
    families = [child.net_connections() for child in house.worker.children]
    (lines,) = (each for each in families if sink.came_from in {line.laddr.port for line in each})
    ports = {line.raddr.port: line.laddr.port for line in lines if line.raddr}
    port = ports[house.postgres_port]
    ((pid,),) = house.sql("SELECT pid FROM pg_stat_activity WHERE client_port = %s", port)
    return pid, port


def _unread(local: int, remote: int) -> bool:
    """Whether something lies at this end of the line between two ports and was not read yet."""
    ends = (f":{local:04X}", f":{remote:04X}")
    for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        here, there, _state, queues = line.split()[1:5]
        if (here[-5:], there[-5:]) == ends:
            return int(queues.partition(":")[2], 16) > 0
    return False


@contextmanager
def written(house: House, stack: ExitStack) -> Iterator[Sink]:
    sink = _relay(house, stack)
    house.wait_for_states("sent")
    yield sink


def its_children(house: House) -> None:
    """Those that do the work; the one that they belong to makes new ones."""
    family = house.worker.children
    for child in family:
        child.kill()
    psutil.wait_procs(family, timeout=30)


def its_parent(house: House) -> None:
    """They go with it."""
    family = house.worker.children
    os.kill(house.worker.pid, signal.SIGKILL)
    _, left = psutil.wait_procs(family, timeout=30)
    assert left == []
    house.worker.kill()
    house.worker.start()


SENT, UNKNOWN = ("sent", ""), ("unknown", "no answer")


@pytest.mark.parametrize(
    ("make", "kill", "point", "ends", "copies"),
    [
        # Whoever waits for a code gets it; a second time only where no answer was written down.
        (mail, its_children, due, SENT, 1),
        (mail, its_children, claimed, SENT, 1),
        (mail, its_parent, handed_over, SENT, 2),
        (mail, its_children, answered, SENT, 2),
        (mail, its_children, being_written, SENT, 1),
        (mail, its_children, written, SENT, 1),
        # A note comes once or not at all, and what is not known is said to be so.
        (note, its_children, due, SENT, 1),
        (note, its_parent, claimed, UNKNOWN, 0),
        (note, its_children, handed_over, UNKNOWN, 1),
        (note, its_parent, answered, UNKNOWN, 1),
        (note, its_children, being_written, SENT, 1),
        (note, its_children, written, SENT, 1),
    ],
)
def test_worker_killed(
    house: House,
    make: Make,
    kill: Callable[[House], None],
    point: Point,
    ends: tuple[str, str],
    copies: int,
) -> None:
    make(house)
    wait_for(house.states, "the row")
    with ExitStack() as stack:
        with point(house, stack) as sink:
            left = house.being_sent()
            kill(house)
        _settle(house, left)

        assert house.states() == [ends]
        # A mailbox that looks at the Message-ID shows one.
        assert (len(sink.ids), len(set(sink.ids))) == (copies, min(copies, 1))


def test_those_behind_a_mail_that_left_are_not_lost_with_it(house: House) -> None:
    """Three codes were claimed together. The first is written down by the time of the second."""
    for name in ("anna", "bea", "cleo"):
        house.inside("mail", name, 10)
    with ExitStack() as stack:
        there, go_on = threading.Event(), threading.Event()
        turns = iter((lambda: None, lambda: (there.set(), go_on.wait(60))))
        told = Sink(when_handed_over=lambda: next(turns, lambda: None)() and None)
        sink = _relay(house, stack, told)
        assert there.wait(60)
        assert [state for state, _ in house.states()] == ["sent", "sending", "sending"]
        left = house.being_sent()
        its_children(house)
        go_on.set()
        _settle(house, left)

        assert house.states() == [("sent", "")] * 3
        assert sink.to.count("anna@example.org") == sink.to.count("cleo@example.org") == 1


def _settle(house: House, left: Sequence[datetime]) -> None:
    """Four minutes go by, and some more: what was left half done is settled, and tried again."""
    house.later(4, left)
    old = {at - timedelta(minutes=4) for at in left}
    wait_for(lambda: not old & set(house.being_sent()), "the reaper")
    house.hurry()
    wait_for(lambda: not {"due", "sending"} & dict(house.states()).keys(), "the end of it")
    house.ticks(2)
