"""The mail relay is away, silent or in a bad mood: pages do not notice, and mail is only late.

What each answer of a relay means is tested in tests/mail; here the worker that really runs gets it.
"""

import socket

import pytest

from tests.faults.house import House
from tests.faults.waiting import wait_for
from tests.support import smtp
from tests.support.smtp import Sink

BOTH = ["bea@example.org", "cleo@example.org"]


def _post_both(house: House) -> None:
    house.inside("mail", "bea")
    house.inside("note", "cleo")
    wait_for(lambda: len(house.states()) == 2, "the note to be planned")


def _pages_do_not_notice(house: House) -> None:
    """Also the one that sends mail: it answers as ever, and nothing has come of the relay yet."""
    alice, address = house.person("alice"), "/accounts/password/reset/"
    visitor = house.stranger()
    form = visitor.get(address).form(address) | {"email": "nobody@example.org"}
    assert visitor.post(address, form).status == 302
    assert alice.keep(alice.desk("Words")).status == 302


def test_relay_that_is_away(house: House) -> None:
    _post_both(house)
    _pages_do_not_notice(house)
    house.ticks(3)
    tried = house.sql("SELECT DISTINCT state, attempts FROM mail_message")
    assert tried == [("due", 0)]

    with smtp.running(house.relay_port) as sink:
        expected = [*BOTH, "nobody@example.org"]
        wait_for(lambda: sink.to == expected, "the mail")
        house.ticks(3)
        assert sink.to == expected


def test_relay_that_says_nothing(house: House) -> None:
    """Nothing is claimed while the worker waits for it, and it does not wait for ever."""
    with socket.socket() as silent:
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        silent.bind(("127.0.0.1", house.relay_port))
        silent.listen(64)
        before = house.worker.so_far
        _post_both(house)
        _pages_do_not_notice(house)
        gave_up = "relay cannot be reached"
        wait_for(lambda: house.worker.said(gave_up, since=before), "the worker to give up")
        assert {state for state, _ in house.states()} == {"due"}

    with smtp.running(house.relay_port) as sink:
        wait_for(lambda: set(BOTH) <= set(sink.to), "the mail")
        house.ticks(3)
        assert [to for to in sink.to if to in BOTH] == BOTH


@pytest.mark.parametrize("reply", ["451 4.3.0 later", "554 5.7.1 not from you"])
def test_relay_that_refuses_for_a_while(house: House, sink: Sink, reply: str) -> None:
    sink.answer = reply
    _post_both(house)
    wait_for(lambda: _put_off(house) == 2, "a first try of each")
    _pages_do_not_notice(house)

    sink.answer = ""
    house.later(16)

    wait_for(lambda: set(BOTH) <= set(sink.to), "the mail")
    house.later(16)
    house.ticks(3)
    assert [to for to in sink.to if to in BOTH] == BOTH


def _put_off(house: House) -> int:
    """How many mails were tried once and wait for another time."""
    tried = "SELECT count(*) FROM mail_message WHERE state = 'due' AND attempts = 1"
    return int(house.sql(tried)[0][0])


def test_address_that_does_not_exist_stops_nobody_else(house: House, sink: Sink) -> None:
    sink.recipients["cleo@example.org"] = "550 5.1.1 no such user"
    _post_both(house)

    house.wait_for_states("sent", "failed")
    assert sink.to == ["bea@example.org"]
    # Their mailbox is no more, so no further note is tried.
    assert house.sql("SELECT count(*) FROM reminders_schedule") == [(0,)]


def test_line_that_breaks_after_the_hand_over(house: House, sink: Sink) -> None:
    """The mail is there and its answer is lost. A note never comes twice for that; a mail that
    somebody waits for may, with the same Message-ID, and one copy is known to be accepted."""
    sink.drop = "after the dot"
    _post_both(house)
    wait_for(lambda: _put_off(house) == 1, "a first try of the mail")
    house.wait_for_states("due", "unknown")

    sink.drop = ""
    house.later(16)
    house.wait_for_states("sent", "unknown")
    house.later(16)
    house.ticks(3)
    assert sink.to == ["bea@example.org", "bea@example.org", "cleo@example.org"]
    assert len(set(sink.ids)) == 2
