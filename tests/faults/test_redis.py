"""Redis is down, hangs or forgets everything: pages do not notice, and mail is late at most."""

import os
import signal
from collections.abc import Callable

import pytest
import redis

from tests.conftest import PASSWORD
from tests.faults.house import House
from tests.faults.visitor import Visitor
from tests.faults.waiting import wait_for
from tests.support.smtp import Sink

Act = Callable[[House], None]


def hang(house: House) -> None:
    """It takes every call and answers none: whoever asks it waits for ever."""
    os.kill(house.redis_pid, signal.SIGSTOP)


def go_on(house: House) -> None:
    os.kill(house.redis_pid, signal.SIGCONT)


def _sign_in(house: House, email: str) -> Visitor:
    visitor = house.stranger()
    form = visitor.get("/accounts/login/").form("/accounts/login/")
    page = visitor.post("/accounts/login/", form | {"login": email, "password": PASSWORD})
    assert page.status == 302
    return visitor


@pytest.mark.parametrize(
    ("end", "begin"),
    [(House.kill_redis, House.start_redis), (hang, go_on)],
    ids=["down", "hanging"],
)
def test_everything_works_without_it_and_mail_leaves_once_it_is_back(
    house: House, sink: Sink, end: Act, begin: Act
) -> None:
    email, before = house.person("alice").email, _pids(house)
    end(house)
    try:
        alice = _sign_in(house, email)
        kept = alice.keep(alice.desk("Words"))
        assert kept.status == 302
        assert "Words" in alice.get(kept.location).text
        assert "redis" in house.stranger().get("/readyz").text
        assert house.is_ready()
        # A mail that a page sends, one from elsewhere, and a note that is due.
        assert _ask_for_a_code(house, email) == 302
        house.inside("mail", "bea")
        house.inside("note", "cleo")
    finally:
        begin(house)

    everyone = ["alice@example.org", "bea@example.org", "cleo@example.org"]
    wait_for(lambda: sink.to == everyone, "the mail")
    house.ticks(3)
    house.later(4)
    house.ticks(3)
    assert sink.to == everyone
    assert _pids(house) == before


def _ask_for_a_code(house: House, email: str) -> int:
    visitor, address = house.stranger(), "/accounts/password/reset/"
    return visitor.post(address, visitor.get(address).form(address) | {"email": email}).status


def test_what_it_forgets_is_known_to_postgres(house: House, sink: Sink) -> None:
    """A whole queue is lost, with what was to be done about a mail that waits."""
    house.worker.kill()
    house.inside("mail", "bea")
    house.inside("note", "cleo")
    with redis.Redis.from_url(house.environment["REDIS_URL"]) as queue:
        wait_for(lambda: queue.llen("mail") > 4, "ticks in the queue")
        queue.flushall()
    house.worker.start()

    wait_for(lambda: sink.to == ["bea@example.org", "cleo@example.org"], "the mail")
    house.ticks(3)
    assert len(sink.raw) == 2


def test_tick_that_comes_many_times_over_sends_once(house: House, sink: Sink) -> None:
    """What Redis hands out again after it was done, or what stood in the queue twice."""
    house.worker.kill()
    house.inside("mail", "bea")
    house.inside("note", "cleo")
    with redis.Redis.from_url(house.environment["REDIS_URL"]) as queue:
        tick = wait_for(lambda: queue.lindex("mail", 0), "a tick in the queue")
        for _ in range(20):
            queue.lpush("mail", tick)
    house.worker.start()

    wait_for(lambda: len(sink.raw) >= 2, "the mail")
    house.ticks(3)
    assert sink.to == ["bea@example.org", "cleo@example.org"]


def _pids(house: House) -> list[int]:
    return [program.pid for program in house.programs.values()]
