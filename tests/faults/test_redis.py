"""Redis is down, suspended or emptied: pages do not notice, and mail is late at most."""

import os
import signal
from collections.abc import Callable

import pytest
import redis

from tests.faults.deployment import Deployment
from tests.faults.visitor import Visitor
from tests.support.client import PASSWORD
from tests.support.smtp import Sink
from tests.support.waiting import wait_for

Act = Callable[[Deployment], None]


def hang(deployment: Deployment) -> None:
    """It accepts connections and answers nothing."""
    os.kill(deployment.redis_pid, signal.SIGSTOP)


def go_on(deployment: Deployment) -> None:
    os.kill(deployment.redis_pid, signal.SIGCONT)


def _sign_in(deployment: Deployment, email: str) -> Visitor:
    visitor = deployment.stranger()
    form = visitor.get("/accounts/login/").form("/accounts/login/")
    page = visitor.post("/accounts/login/", form | {"login": email, "password": PASSWORD})
    assert page.status == 302
    return visitor


@pytest.mark.parametrize(
    ("end", "begin"),
    [(Deployment.kill_redis, Deployment.start_redis), (hang, go_on)],
    ids=["down", "hanging"],
)
def test_everything_works_without_it_and_mail_leaves_once_it_is_back(
    deployment: Deployment, sink: Sink, end: Act, begin: Act
) -> None:
    email, before = deployment.person("alice").email, _pids(deployment)
    end(deployment)
    try:
        alice = _sign_in(deployment, email)
        kept = alice.keep(alice.desk("Words"))
        assert kept.status == 302
        assert "Words" in alice.get(kept.location).text
        assert "redis" in deployment.stranger().get("/readyz").text
        assert deployment.is_ready()
        # Mail that a page queues, account mail, and a note that is due.
        assert _ask_for_a_code(deployment, email) == 302
        deployment.call("mail", "bea")
        deployment.call("note", "cleo")
    finally:
        begin(deployment)

    everyone = ["alice@example.org", "bea@example.org", "cleo@example.org"]
    wait_for(lambda: sink.to == everyone, "the mail")
    deployment.ticks(3)
    deployment.let_time_pass(4)
    deployment.ticks(3)
    assert sink.to == everyone
    assert _pids(deployment) == before


def _ask_for_a_code(deployment: Deployment, email: str) -> int:
    visitor, address = deployment.stranger(), "/accounts/password/reset/"
    return visitor.post(address, visitor.get(address).form(address) | {"email": email}).status


def test_worker_goes_on_however_often_it_ends(deployment: Deployment) -> None:
    """Each time while messages are on their way: Kombu’s own notes on them ended the worker."""
    before = _pids(deployment)

    for _ in range(8):
        deployment.ticks(1)
        deployment.kill_redis()
        deployment.start_redis()

    deployment.ticks(3)
    assert _pids(deployment) == before


def test_what_it_forgets_is_known_to_postgres(deployment: Deployment, sink: Sink) -> None:
    """A whole queue is lost, with the task that would have sent a mail."""
    deployment.worker.kill()
    deployment.call("mail", "bea")
    deployment.call("note", "cleo")
    with redis.Redis.from_url(deployment.environment["REDIS_URL"]) as queue:
        wait_for(lambda: queue.llen("mail") > 4, "ticks in the queue")
        queue.flushall()
    deployment.worker.start()

    wait_for(lambda: sink.to == ["bea@example.org", "cleo@example.org"], "the mail")
    deployment.ticks(3)
    assert len(sink.raw) == 2


def test_tick_that_comes_many_times_over_sends_once(deployment: Deployment, sink: Sink) -> None:
    """As when Redis delivers a task again, or a queue holds it twice."""
    deployment.worker.kill()
    deployment.call("mail", "bea")
    deployment.call("note", "cleo")
    with redis.Redis.from_url(deployment.environment["REDIS_URL"]) as queue:
        tick = wait_for(lambda: queue.lindex("mail", 0), "a tick in the queue")
        for _ in range(20):
            queue.lpush("mail", tick)
    deployment.worker.start()

    wait_for(lambda: len(sink.raw) >= 2, "the mail")
    deployment.ticks(3)
    assert sink.to == ["bea@example.org", "cleo@example.org"]


def _pids(deployment: Deployment) -> list[int]:
    return [program.pid for program in deployment.programs.values()]
