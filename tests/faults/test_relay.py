"""The mail relay is away, silent or refuses: pages do not notice, and mail is only late.

What each reply means is tested in tests/mail. Here a running worker receives it.
"""

import socket

import pytest

from tests.faults.deployment import Deployment
from tests.support import smtp
from tests.support.smtp import Sink
from tests.support.waiting import wait_for

BOTH = ["bea@example.org", "cleo@example.org"]


def _post_both(deployment: Deployment) -> None:
    deployment.call("mail", "bea")
    deployment.call("note", "cleo")
    wait_for(lambda: len(deployment.states()) == 2, "the note to be planned")


def _pages_do_not_notice(deployment: Deployment) -> None:
    """Nor does the page that queues mail."""
    alice, address = deployment.person("alice"), "/accounts/password/reset/"
    visitor = deployment.stranger()
    form = visitor.get(address).form(address) | {"email": "nobody@example.org"}
    assert visitor.post(address, form).status == 302
    assert alice.keep(alice.desk("Words")).status == 302


def test_relay_that_is_away(deployment: Deployment) -> None:
    _post_both(deployment)
    _pages_do_not_notice(deployment)
    deployment.ticks(3)
    tried = deployment.sql("SELECT DISTINCT state, attempts FROM mail_message")
    assert tried == [("due", 0)]

    with smtp.running(deployment.relay_port) as sink:
        expected = [*BOTH, "nobody@example.org"]
        wait_for(lambda: sink.to == expected, "the mail")
        deployment.ticks(3)
        assert sink.to == expected


def test_relay_that_says_nothing(deployment: Deployment) -> None:
    """Nothing is claimed while the worker waits for the relay, and that times out."""
    with socket.socket() as silent:
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        silent.bind(("127.0.0.1", deployment.relay_port))
        silent.listen(64)
        before = deployment.worker.log_size
        _post_both(deployment)
        _pages_do_not_notice(deployment)
        gave_up = "relay cannot be reached"
        wait_for(lambda: deployment.worker.logged(gave_up, since=before), "the worker to give up")
        assert {state for state, _ in deployment.states()} == {"due"}

    with smtp.running(deployment.relay_port) as sink:
        wait_for(lambda: set(BOTH) <= set(sink.to), "the mail")
        deployment.ticks(3)
        assert [to for to in sink.to if to in BOTH] == BOTH


@pytest.mark.parametrize("reply", ["451 4.3.0 later", "554 5.7.1 not from you"])
def test_relay_that_refuses_for_a_while(deployment: Deployment, sink: Sink, reply: str) -> None:
    sink.answer = reply
    _post_both(deployment)
    wait_for(lambda: _refused(deployment) == 2, "a first try of each")
    assert deployment.sql("SELECT DISTINCT attempts FROM mail_message") == [(0,)]
    assert "the relay refuses us" in deployment.stranger().get("/readyz").text
    _pages_do_not_notice(deployment)

    sink.answer = ""
    deployment.let_time_pass(16)

    wait_for(lambda: set(BOTH) <= set(sink.to), "the mail")
    deployment.let_time_pass(16)
    deployment.ticks(3)
    assert [to for to in sink.to if to in BOTH] == BOTH


def _refused(deployment: Deployment) -> int:
    """How many mails the relay has refused because of us."""
    refused = "SELECT count(*) FROM mail_message WHERE refusal = 'the relay refuses us'"
    return int(deployment.sql(refused)[0][0])


def _put_off(deployment: Deployment) -> int:
    """How many mails were tried once and wait for a retry."""
    tried = "SELECT count(*) FROM mail_message WHERE state = 'due' AND attempts = 1"
    return int(deployment.sql(tried)[0][0])


def test_address_that_does_not_exist_stops_nobody_else(deployment: Deployment, sink: Sink) -> None:
    sink.recipients["cleo@example.org"] = "550 5.1.1 no such user"
    _post_both(deployment)

    deployment.wait_for_states("sent", "failed")
    assert sink.to == ["bea@example.org"]
    # The mailbox does not exist, so their reminders have stopped.
    stopped = deployment.sql("SELECT stop_reason, next_due_at FROM reminders_schedule")
    assert stopped == [("no such address", None)]


def test_line_that_breaks_after_the_hand_over(deployment: Deployment, sink: Sink) -> None:
    """The mail arrived and the reply is lost. A note is not sent again. Account mail is, with the
    same Message-ID."""
    sink.drop = "after the dot"
    _post_both(deployment)
    wait_for(lambda: _put_off(deployment) == 1, "a first try of the mail")
    deployment.wait_for_states("due", "unknown")

    sink.drop = ""
    deployment.let_time_pass(16)
    deployment.wait_for_states("sent", "unknown")
    deployment.let_time_pass(16)
    deployment.ticks(3)
    assert sink.to == ["bea@example.org", "bea@example.org", "cleo@example.org"]
    assert len(set(sink.ids)) == 2
