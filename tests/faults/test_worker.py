"""The worker is killed (SIGKILL) between every two states of a mail."""

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

from tests.faults.deployment import Deployment
from tests.support import smtp
from tests.support.smtp import Sink
from tests.support.waiting import PATIENCE, wait_for

Make = Callable[[Deployment], None]
# Enter it with a mail that is due and no relay. Inside, the worker is stopped at that point.
Point = Callable[[Deployment, ExitStack], AbstractContextManager[Sink]]


def mail(deployment: Deployment) -> None:
    """Account mail, which may be sent twice."""
    deployment.call("mail", "anna", 10)


def note(deployment: Deployment) -> None:
    deployment.call("note", "anna")


def _relay(deployment: Deployment, stack: ExitStack, sink: Sink | None = None) -> Sink:
    """Start the relay. The worker connects at once, so set up the sink before."""
    return stack.enter_context(smtp.running(deployment.relay_port, sink))


@contextmanager
def due(deployment: Deployment, stack: ExitStack) -> Iterator[Sink]:
    """Connected to the relay, and about to claim."""
    with deployment.locking("LOCK TABLE mail_message IN SHARE MODE"):
        sink = _relay(deployment, stack)
        deployment.wait_for_lock("%UPDATE mail_message SET state%")
        yield sink


@contextmanager
def claimed(deployment: Deployment, stack: ExitStack) -> Iterator[Sink]:
    """The mail is claimed, and nothing of it was sent."""
    sink = _relay(deployment, stack, Sink(holds=True))
    assert sink.begun.wait(PATIENCE)
    yield sink
    sink.holds = False
    sink.released.set()


@contextmanager
def handed_over(deployment: Deployment, stack: ExitStack) -> Iterator[Sink]:
    """The relay has all of it and has not answered."""
    there, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        there.set()
        go_on.wait(PATIENCE)

    sink = _relay(deployment, stack, Sink(when_handed_over=hold))
    assert there.wait(PATIENCE)
    yield sink
    sink.when_handed_over = lambda: None
    go_on.set()


@contextmanager
def answered(deployment: Deployment, stack: ExitStack) -> Iterator[Sink]:
    """The relay has answered 250, and the database has not read the update yet."""
    sink, session = Sink(), Future[tuple[int, int]]()

    def stop_listening() -> None:
        try:
            pid, port = _session_of_the_sender(deployment, sink)
            os.kill(pid, signal.SIGSTOP)
        except Exception as error:
            # Raised here it would be lost in the relay's thread.
            session.set_exception(error)
        else:
            session.set_result((pid, port))

    sink.when_handed_over = stop_listening
    _relay(deployment, stack, sink)
    pid, port = session.result(PATIENCE)
    sink.when_handed_over = lambda: None
    wait_for(lambda: _unread(deployment.postgres_port, port), "the worker to send the update")
    yield sink
    deployment.sql("SELECT pg_terminate_backend(%s)", pid)
    os.kill(pid, signal.SIGCONT)
    wait_for(lambda: not psutil.pid_exists(pid), "its session to end")


@contextmanager
def being_written(deployment: Deployment, stack: ExitStack) -> Iterator[Sink]:
    """The database has read the update, and waits for a lock."""
    lock = ExitStack()
    rows = deployment.locking("SELECT 1 FROM mail_message FOR UPDATE")
    sink = Sink(when_handed_over=lambda: lock.enter_context(rows))
    with lock:
        _relay(deployment, stack, sink)
        deployment.wait_for_lock('UPDATE "mail_message"%')
        sink.when_handed_over = lambda: None
        at_the_lock = deployment.waiting_for_lock('UPDATE "mail_message"%')
        yield sink
    # The database still runs what was sent before the kill. Wait until that is done.
    asked = "SELECT 1 FROM pg_stat_activity WHERE pid = ANY(%s) AND state = 'active'"
    wait_for(lambda: not deployment.sql(asked, at_the_lock), "the database to have run it")


def _session_of_the_sender(deployment: Deployment, sink: Sink) -> tuple[int, int]:
    """The pid of the database session of the child that hands over this mail, and the child's port.

    Another child may be connected to the relay too, and find nothing to send.
    """
    families = [child.net_connections() for child in deployment.worker.children]
    (lines,) = (each for each in families if sink.client_port in {line.laddr.port for line in each})
    ports = {line.raddr.port: line.laddr.port for line in lines if line.raddr}
    port = ports[deployment.postgres_port]
    ((pid,),) = deployment.sql("SELECT pid FROM pg_stat_activity WHERE client_port = %s", port)
    return pid, port


def _unread(local: int, remote: int) -> bool:
    """Whether bytes were received at `local` from `remote` that its process has not read yet."""
    ends = (f":{local:04X}", f":{remote:04X}")
    for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        here, there, _state, queues = line.split()[1:5]
        if (here[-5:], there[-5:]) == ends:
            return int(queues.partition(":")[2], 16) > 0
    return False


@contextmanager
def written(deployment: Deployment, stack: ExitStack) -> Iterator[Sink]:
    sink = _relay(deployment, stack)
    deployment.wait_for_states("sent")
    yield sink


def its_children(deployment: Deployment) -> None:
    """Kill the processes that do the work. The main one starts others."""
    family = deployment.worker.children
    for child in family:
        child.kill()
    psutil.wait_procs(family, timeout=PATIENCE)


def its_parent(deployment: Deployment) -> None:
    """Kill the main process. The others end by themselves."""
    family = deployment.worker.children
    os.kill(deployment.worker.pid, signal.SIGKILL)
    _, left = psutil.wait_procs(family, timeout=PATIENCE)
    assert left == []
    deployment.worker.kill()
    deployment.worker.start()


SENT, UNKNOWN = ("sent", ""), ("unknown", "no answer")


@pytest.mark.parametrize(
    ("make", "kill", "point", "ends", "copies"),
    [
        # Account mail always arrives, and twice only if no answer was stored.
        (mail, its_children, due, SENT, 1),
        (mail, its_children, claimed, SENT, 1),
        (mail, its_parent, handed_over, SENT, 2),
        (mail, its_children, answered, SENT, 2),
        (mail, its_children, being_written, SENT, 1),
        (mail, its_children, written, SENT, 1),
        # A note arrives once or not at all. If that is not known, its state says so.
        (note, its_children, due, SENT, 1),
        (note, its_parent, claimed, UNKNOWN, 0),
        (note, its_children, handed_over, UNKNOWN, 1),
        (note, its_parent, answered, UNKNOWN, 1),
        (note, its_children, being_written, SENT, 1),
        (note, its_children, written, SENT, 1),
    ],
)
def test_worker_killed(
    deployment: Deployment,
    make: Make,
    kill: Callable[[Deployment], None],
    point: Point,
    ends: tuple[str, str],
    copies: int,
) -> None:
    make(deployment)
    wait_for(deployment.states, "the row")
    with ExitStack() as stack:
        with point(deployment, stack) as sink:
            left = deployment.being_sent()
            kill(deployment)
        _settle(deployment, left)

        assert deployment.states() == [ends]
        # Copies have the same Message-ID.
        assert (len(sink.ids), len(set(sink.ids))) == (copies, min(copies, 1))


def test_those_behind_a_mail_that_left_are_not_lost_with_it(deployment: Deployment) -> None:
    """Three mails are claimed together, and the first is sent when the second is handed over."""
    for name in ("anna", "bea", "cleo"):
        deployment.call("mail", name, 10)
    with ExitStack() as stack:
        there, go_on = threading.Event(), threading.Event()
        turns = iter((lambda: None, lambda: (there.set(), go_on.wait(PATIENCE))))
        gated = Sink(when_handed_over=lambda: next(turns, lambda: None)() and None)
        sink = _relay(deployment, stack, gated)
        assert there.wait(PATIENCE)
        assert [state for state, _ in deployment.states()] == ["sent", "sending", "sending"]
        left = deployment.being_sent()
        its_children(deployment)
        go_on.set()
        _settle(deployment, left)

        assert deployment.states() == [("sent", "")] * 3
        assert sink.to.count("anna@example.org") == sink.to.count("cleo@example.org") == 1


def _settle(deployment: Deployment, left: Sequence[datetime]) -> None:
    """Let four minutes pass, after which stuck mail is settled, and then make it due again."""
    deployment.let_time_pass(4, left)
    old = {at - timedelta(minutes=4) for at in left}
    wait_for(lambda: not old & set(deployment.being_sent()), "the reaper")
    deployment.make_due()
    wait_for(lambda: not {"due", "sending"} & dict(deployment.states()).keys(), "the end of it")
    deployment.ticks(2)
