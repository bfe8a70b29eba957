import itertools
import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, connection, connections, transaction
from pytest_django import Settings

from accounts.models import User
from local.servers import free_port
from mail import sending
from mail.emails import MailContent
from mail.models import Heartbeat, Message, State
from tests.mail.conftest import Enqueue
from tests.support import smtp
from tests.support.database import Statements
from tests.support.smtp import Sink

Plan = Callable[..., Message]
SECOND = timedelta(seconds=1)

pytestmark = pytest.mark.django_db


def send(now: datetime, after: timedelta = timedelta(0)) -> int:
    return sending.send_due(clock=lambda: now + after)


def states() -> list[tuple[str, str]]:
    return list(Message.objects.order_by("key").values_list("state", "reason"))


# --- The outbox ----------------------------------------------------------------------------


def test_enqueued_mail_is_sealed_until_it_is_sent_and_empty_afterwards(
    enqueue: Enqueue, sink: Sink, now: datetime
) -> None:
    message = enqueue(content=MailContent("Your code", "The code is CANARY-4711.", ""))
    assert b"CANARY" not in bytes(message.payload)
    assert b"alice" not in bytes(message.payload)

    assert send(now) == 1

    message.refresh_from_db()
    assert (message.state, bytes(message.payload), message.ended_at) == (State.SENT, b"", now)
    assert "CANARY-4711" in sink.mails[0].get_body(("plain",)).get_content()


def test_enqueued_mail_has_text_first_html_second_and_is_marked_auto_generated(
    enqueue: Enqueue, sink: Sink, now: datetime
) -> None:
    message = enqueue()

    send(now)

    mail = sink.mails[0]
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert mail["Subject"] == "Your code"
    assert mail["To"] == "alice@example.org"
    assert mail["From"] == "Notes <notes@localhost>"
    assert mail["Message-ID"] == f"<{message.pk}@localhost>"
    assert mail["Auto-Submitted"] == "auto-generated"


def test_mail_of_a_request_that_failed_is_never_sent(
    sink: Sink, enqueue: Enqueue, now: datetime
) -> None:
    @transaction.atomic
    def request() -> None:
        enqueue()
        raise RuntimeError

    with pytest.raises(RuntimeError):
        request()

    assert send(now) == 0
    assert sink.raw == []


def test_mail_is_deleted_with_its_person(
    enqueue: Enqueue, alice: User, sink: Sink, now: datetime
) -> None:
    enqueue(person=alice)
    enqueue(to="bob@example.org")

    alice.delete()

    assert send(now) == 1
    assert sink.to == ["bob@example.org"]


def test_mail_with_a_code_is_sent_inside_its_window_or_not_at_all(
    enqueue: Enqueue, sink: Sink, settings: Settings, now: datetime
) -> None:
    settings.EMAIL_PORT = free_port()
    message = enqueue(closes_at=now + timedelta(minutes=10))
    send(now)
    settings.EMAIL_PORT = sink.port

    assert send(now, timedelta(minutes=10)) == 0
    message.refresh_from_db()
    assert (message.state, message.reason, sink.raw) == ("skipped", "not wanted", [])
    assert bytes(message.payload) == b""


def test_mail_whose_window_closes_after_it_was_claimed_is_not_sent(
    enqueue: Enqueue, sink: Sink, now: datetime
) -> None:
    for key in ("a", "b", "c"):
        enqueue(key=key, closes_at=now + timedelta(seconds=30))
    handed_over: list[None] = []
    sink.when_handed_over = lambda: handed_over.append(None)

    # A clock on which each mail takes 20 seconds.
    sent = sending.send_due(clock=lambda: now + timedelta(seconds=20 * len(handed_over)))

    assert (sent, len(sink.raw)) == (2, 2)
    assert list(Message.objects.pending().values_list("attempts", flat=True)) == [0]
    send(now, timedelta(seconds=40))
    assert sorted(states()) == [("sent", ""), ("sent", ""), ("skipped", "not wanted")]


def test_row_in_a_final_state_has_no_payload(enqueue: Enqueue, now: datetime) -> None:
    message = enqueue()

    with pytest.raises(IntegrityError, match="mail_message_over_carries_nothing"):
        Message.objects.filter(pk=message.pk).update(state=State.SENT, ended_at=now)


# --- Sending order -------------------------------------------------------------------------


def test_code_is_sent_before_older_mail_of_other_kinds(
    plan: Plan, enqueue: Enqueue, sink: Sink, now: datetime
) -> None:
    for number in range(45):
        plan(f"p{number:02}", due_at=now - timedelta(hours=1))
    enqueue(to="code@example.org")

    send(now)

    order = [str(mail["To"]) for mail in sink.mails]
    assert len(order) == 46
    assert order[0] == "code@example.org"


@pytest.mark.django_db(transaction=True)
def test_code_enqueued_during_a_run_is_in_the_next_chunk(
    plan: Plan, enqueue: Enqueue, sink: Sink, now: datetime
) -> None:
    for number in range(45):
        plan(f"p{number:02}", due_at=now - timedelta(hours=1))

    def ask() -> None:
        sink.when_handed_over = lambda: None
        enqueue(to="code@example.org")
        connections.close_all()

    sink.when_handed_over = ask

    assert send(now) == 46
    order = [str(mail["To"]) for mail in sink.mails]
    assert order.index("code@example.org") == sending.CHUNK_SIZE


def test_sending_order_is_read_from_an_index_without_sorting(plan: Plan, now: datetime) -> None:
    for number in range(50):
        plan(f"p{number:02}")

    with connection.cursor() as cursor:
        # In a table this small Postgres may prefer these: it depends on what other tests have left.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
    explained = Message.objects.due(now).in_sending_order()[:20].explain()

    assert "Index Scan using mail_message_next" in explained
    assert "Sort" not in explained


# --- The relay -----------------------------------------------------------------------------


def test_nothing_is_claimed_while_the_relay_is_down(
    plan: Plan, enqueue: Enqueue, settings: Settings, now: datetime
) -> None:
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    plan("anna")
    enqueue()
    before = list(Message.objects.order_by("pk").values())

    assert send(now) == 0
    assert list(Message.objects.order_by("pk").values()) == before

    with smtp.running(settings.EMAIL_PORT) as sink:
        assert send(now, timedelta(seconds=2)) == 2
        assert len(sink.raw) == 2


def test_one_connection_carries_a_hundred_mails(plan: Plan, sink: Sink, now: datetime) -> None:
    for number in range(130):
        plan(f"p{number:03}")

    assert send(now) == 130
    assert (len(set(sink.ids)), sink.connections) == (130, 2)


def test_relay_that_ends_connections_gets_each_mail_once(
    plan: Plan, sink: Sink, now: datetime
) -> None:
    sink.per_connection = 5
    for number in range(23):
        plan(f"p{number:02}")

    assert send(now) == 23
    assert len(sink.ids) == len(set(sink.ids)) == 23


def test_address_that_does_not_exist_fails_alone(plan: Plan, sink: Sink, now: datetime) -> None:
    sink.recipients["bea@example.org"] = "550 5.1.1 no such user"
    for key in ("anna", "bea", "cleo"):
        plan(key)

    assert send(now) == 2
    assert states() == [("sent", ""), ("failed", "no such address"), ("sent", "")]
    assert sink.to == ["anna@example.org", "cleo@example.org"]


@pytest.mark.parametrize(
    "reply",
    ["452 4.2.2 mailbox full", "552 5.2.2 over quota", "450 4.7.1 Greylisted", "552 mailbox full"],
)
def test_address_that_takes_nothing_now_is_tried_three_times_and_holds_up_nobody(
    plan: Plan, sink: Sink, now: datetime, reply: str
) -> None:
    sink.recipients["anna@example.org"] = reply
    message = plan("anna")
    plan("bea")

    assert send(now) == 1
    message.refresh_from_db()
    assert (message.state, message.due_at) == (State.DUE, now + timedelta(minutes=15))

    send(now, timedelta(minutes=15))
    send(now, timedelta(minutes=75))
    assert states() == [("failed", "put off too often"), ("sent", "")]
    assert sink.to == ["bea@example.org"]


@pytest.mark.parametrize(
    "reply",
    ["450 4.1.2 Domain not found", "452 4.2.2 Over quota", "451 4.7.1 Greylisted"],
)
def test_mail_that_is_good_on_any_later_day_is_put_off_until_its_patience_ends(
    patient: None, plan: Plan, sink: Sink, now: datetime, reply: str
) -> None:
    sink.recipient = reply
    message, tries = plan("anna"), 0
    while message.state == State.DUE:
        pause = message.due_at - (message.refused_at or now)
        assert pause <= timedelta(days=1)
        send(message.due_at)
        message.refresh_from_db()
        tries += 1

    assert message.ended_at is not None
    assert timedelta(days=30) <= message.ended_at - now < timedelta(days=31)
    assert sink.tried == ["anna@example.org"] * tries
    assert message.state == State.FAILED


def test_mail_that_is_good_on_any_later_day_leaves_when_the_mailbox_has_room(
    patient: None, plan: Plan, sink: Sink, now: datetime
) -> None:
    """It is tried after 15 minutes, an hour, and then with growing pauses."""
    sink.answer = "552 5.2.2 over quota"
    message, pauses = plan("anna"), []
    for _ in range(8):
        send(message.due_at)
        message.refresh_from_db()
        assert message.refused_at is not None
        pauses.append((message.due_at - message.refused_at) / timedelta(hours=1))
    assert pauses == [0.25, 1, 2, 4, 8, 16, 24, 24]

    sink.answer = ""
    assert send(message.due_at) == 1


def test_code_that_is_put_off_is_tried_five_times_within_ten_minutes(
    enqueue: Enqueue, sink: Sink, now: datetime
) -> None:
    sink.answer = "452 4.2.2 mailbox full"
    message = enqueue(closes_at=now + timedelta(minutes=10))

    for seconds in range(0, 600, 5):
        send(now, timedelta(seconds=seconds))

    message.refresh_from_db()
    assert (message.state, message.reason, message.attempts) == ("failed", "put off too often", 5)
    assert bytes(message.payload) == b""


def test_code_waits_for_a_relay_that_refuses_us_until_it_expires(
    enqueue: Enqueue, sink: Sink, now: datetime
) -> None:
    sink.answer = "554 5.7.1 not from you"
    messages = [enqueue(closes_at=now + timedelta(minutes=minutes)) for minutes in (10, 20)]

    for seconds in range(0, 605, 5):
        send(now, timedelta(seconds=seconds))
    for message in messages:
        message.refresh_from_db()
    assert [message.state for message in messages] == ["skipped", "due"]
    assert messages[1].attempts == 0
    # The pauses grow, so the relay is not asked every two seconds.
    assert 5 <= len(sink.tried) <= 30

    sink.answer = ""
    for seconds in range(605, 1200, 20):
        send(now, timedelta(seconds=seconds))
    assert len(sink.raw) == 1


def test_mail_that_nobody_takes_for_days_ends_with_its_reason(
    enqueue: Enqueue, sink: Sink, now: datetime
) -> None:
    sink.sender = "550 5.7.1 not your domain"
    message = enqueue()

    send(now, timedelta(days=3) - timedelta(seconds=1))
    message.refresh_from_db()
    assert (message.state, bytes(message.payload) != b"") == ("due", True)
    send(now, timedelta(days=3, hours=1))

    message.refresh_from_db()
    assert (message.state, message.reason) == ("failed", "the relay refuses us")
    assert (message.reply, bytes(message.payload)) == ("550 5.7.1 MAIL", b"")


def test_refusal_is_logged_and_stored_in_codes_without_the_words_of_the_relay(
    plan: Plan, sink: Sink, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    sink.recipient = "554 5.7.1 <anna@example.org>: Relay access denied"
    plan("anna")
    plan("bea")

    with caplog.at_level(logging.DEBUG, logger="mail"):
        send(now)

    refused = list(Message.objects.values_list("refusal", "reply", "refused_at"))
    assert sorted(refused, key=str) == [
        ("", "", None),
        ("the relay refuses us", "554 5.7.1 RCPT", now),
    ]
    assert [vars(record)["error"] for record in caplog.records] == ["554:5.7.1:RCPT"]
    assert "example" not in caplog.text


def test_address_that_the_relay_refuses_alone_holds_up_nobody(
    enqueue: Enqueue, sink: Sink, now: datetime
) -> None:
    """It stops a run once. After the relay has taken other mail, it does so no more."""
    for number in range(30):
        address = f"odd{number:02}@example.org"
        sink.recipients[address] = "550 5.7.1 refused by policy"
        enqueue(to=address)
    for seconds in range(0, 62, 2):
        send(now, timedelta(seconds=seconds))
    enqueue(to="first@example.org")
    send(now, timedelta(seconds=300))

    enqueue(to="code@example.org", now=now + timedelta(seconds=300))
    for seconds in range(302, 308, 2):
        send(now, timedelta(seconds=seconds))

    assert sink.to == ["code@example.org", "first@example.org"]
    assert set(Message.objects.pending().values_list("attempts", flat=True)) == {0}


def test_several_addresses_gone_in_one_chunk_are_about_the_relay(
    plan: Plan, sink: Sink, now: datetime
) -> None:
    """Then each of them is tried alone, and believed if the relay has taken other mail since."""
    sink.recipients |= {f"{key}@example.org": "550 5.1.1 unknown" for key in ("bea", "cleo")}
    for key in ("anna", "bea", "cleo", "dora"):
        plan(key)

    send(now)
    assert dict(Message.objects.values_list("key", "state"))["bea"] == "due"
    assert dict(Message.objects.values_list("key", "state"))["cleo"] == "due"
    assert set(Message.objects.values_list("attempts", flat=True)) <= {0, 1}
    send(now, timedelta(seconds=2))
    assert sink.to == ["anna@example.org", "dora@example.org"]

    for minutes in (15, 16):
        send(now, timedelta(minutes=minutes))
    plan("eve", due_at=now + timedelta(minutes=17))
    for minutes in (17, 60, 61):
        send(now, timedelta(minutes=minutes))
    assert states() == [
        ("sent", ""),
        ("failed", "no such address"),
        ("failed", "no such address"),
        ("sent", ""),
        ("sent", ""),
    ]


@pytest.mark.parametrize("reply", ["550 5.1.1 unknown", "550 no such user"])
@pytest.mark.parametrize("alive", ["none", "every second one"])
def test_addresses_gone_in_front_of_a_code_do_not_hold_it_up(
    enqueue: Enqueue, sink: Sink, now: datetime, alive: str, reply: str
) -> None:
    for number in range(40):
        address = f"p{number:02}@example.org"
        enqueue(to=address, key=address, now=now - timedelta(minutes=1) + number * SECOND)
        if alive == "none" or number % 2:
            sink.recipients[address] = reply
    enqueue(to="code@example.org")

    runs = 0
    while "code@example.org" not in sink.to:
        send(now, 2 * runs * SECOND)
        runs += 1
        assert runs <= 3

    assert len(sink.tried) == len(set(sink.tried)) == 41


def test_mail_that_was_put_back_is_not_tried_before_a_code_that_was_never_tried(
    enqueue: Enqueue, sink: Sink, now: datetime
) -> None:
    for key in ("bea", "cleo"):
        sink.recipients[f"{key}@example.org"] = "550 5.1.1 unknown"
        enqueue(to=f"{key}@example.org", key=key)
    send(now)
    later = timedelta(minutes=10)
    assert Message.objects.due(now + later).count() == 2

    enqueue(to="code@example.org", now=now + later)
    sink.tried.clear()
    send(now, later)

    assert sink.tried[0] == "code@example.org"
    assert len(sink.tried) == 3


@pytest.mark.parametrize("reply", ["550 5.1.1 unknown", "550 no such user"])
def test_relay_that_knows_nobody_is_asked_of_few_at_first_and_never_believed(
    enqueue: Enqueue, sink: Sink, now: datetime, reply: str
) -> None:
    sink.recipient = reply
    for number in range(150):
        enqueue(to=f"p{number}@example.org", key=f"p{number}")

    tried = []
    for run in range(4):
        before = len(sink.tried)
        send(now, 2 * run * SECOND)
        tried.append(len(sink.tried) - before)

    assert tried == [2, 10, 50, 88]
    assert set(states()) == {("due", "")}
    assert set(Message.objects.values_list("attempts", flat=True)) == {0}


def test_address_gone_is_believed_though_another_one_was_gone_long_ago(
    plan: Plan, sink: Sink, now: datetime
) -> None:
    """A small site may send nothing else for weeks."""
    sink.recipient = "550 5.1.1 unknown"
    plan("anna")
    send(now)
    plan("bea", due_at=now + timedelta(days=6), created_at=now + timedelta(days=6))
    send(now, timedelta(days=6))
    assert states() == [("failed", "no such address"), ("due", "")]

    Message.objects.filter(key="bea").delete()
    plan("cleo", due_at=now + timedelta(days=14), created_at=now + timedelta(days=14))
    send(now, timedelta(days=14))
    assert states() == [("failed", "no such address")] * 2


def test_mail_without_a_recipient_is_not_counted_as_sent(
    enqueue: Enqueue, sink: Sink, now: datetime
) -> None:
    message = enqueue(to="")

    assert send(now) == 0
    message.refresh_from_db()
    assert (message.state, message.refusal, message.reply) == (
        "due",
        "our own fault",
        "no recipient",
    )
    send(now, timedelta(days=3))

    message.refresh_from_db()
    assert (message.state, message.reason, sink.raw) == ("failed", "our own fault", [])


@pytest.mark.parametrize("where", ["before the dot", "after the dot"])
def test_at_most_once_mail_is_unknown_when_the_answer_is_lost(
    plan: Plan, sink: Sink, now: datetime, where: str
) -> None:
    sink.drop = where
    plan("anna")

    send(now)
    assert states() == [("unknown", "no answer")]

    sink.drop = ""
    for minutes in (0, 20, 60, 600):
        send(now, timedelta(minutes=minutes))
    assert len(sink.raw) == (where == "after the dot")


def test_connection_lost_before_the_handover_loses_and_doubles_nothing(
    plan: Plan, sink: Sink, now: datetime
) -> None:
    sink.drop = "before 354"
    plan("anna")
    send(now)
    assert states() == [("due", "")]

    sink.drop = ""
    send(now, timedelta(minutes=15))
    assert states() == [("sent", "")]
    assert len(sink.raw) == 1


def test_prerendered_mail_is_sent_again_when_the_answer_is_lost(
    enqueue: Enqueue, sink: Sink, now: datetime
) -> None:
    sink.drop = "after the dot"
    enqueue()
    send(now)
    sink.drop = ""
    send(now, timedelta(seconds=10))

    assert states() == [("sent", "")]
    # With one Message-ID, a mailbox that compares it shows one mail.
    assert len(sink.ids) == 2
    assert len(set(sink.ids)) == 1


# --- What is not sent ----------------------------------------------------------------------


def test_mail_that_cannot_be_built_waits_alone_and_logs_no_address(
    plan: Plan, sink: Sink, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    plan("anna")
    plan("poison")
    plan("zoe")

    with caplog.at_level(logging.DEBUG, logger="mail"):
        assert send(now) == 2

    assert states() == [("sent", ""), ("due", ""), ("sent", "")]
    assert [vars(record)["error"] for record in caplog.records] == ["RuntimeError"]
    assert "alice@" not in caplog.text


def test_payload_that_cannot_be_opened_waits_alone_and_is_kept(
    enqueue: Enqueue, sink: Sink, now: datetime
) -> None:
    broken = enqueue(key="a")
    Message.objects.filter(pk=broken.pk).update(payload=b'["gone"]\nxx')
    enqueue(key="b")

    assert send(now) == 1
    assert states() == [("due", ""), ("sent", "")]
    broken.refresh_from_db()
    assert (bytes(broken.payload), broken.attempts) == (b'["gone"]\nxx', 0)


def test_mail_that_is_no_longer_wanted_is_skipped(plan: Plan, sink: Sink, now: datetime) -> None:
    plan("anna")
    plan("unwanted")

    assert send(now) == 1
    assert states() == [("sent", ""), ("skipped", "not wanted")]
    assert sink.to == ["anna@example.org"]


def test_many_unwanted_mails_are_all_skipped(once: str, sink: Sink, now: datetime) -> None:
    crowd = [
        Message(kind=once, key=f"unwanted-{number}", due_at=now, created_at=now)
        for number in range(205)
    ]
    Message.objects.bulk_create(crowd)

    send(now)
    assert send(now) == 0
    assert (sink.raw, set(states())) == ([], {("skipped", "not wanted")})


def test_mail_is_sent_neither_before_it_is_due_nor_after_its_window(
    plan: Plan, sink: Sink, now: datetime
) -> None:
    plan("early", due_at=now + timedelta(seconds=1))
    plan("late", due_at=now - timedelta(hours=1), closes_at=now)

    assert send(now) == 0
    assert states() == [("due", ""), ("due", "")]


def test_rest_of_a_chunk_is_released_when_the_time_is_up(
    plan: Plan, sink: Sink, now: datetime
) -> None:
    for number in range(6):
        plan(f"p{number}")
    handed_over: list[None] = []
    sink.when_handed_over = lambda: handed_over.append(None)

    # A clock on which each mail takes 20 seconds.
    sent = sending.send_due(clock=lambda: now + timedelta(seconds=20 * len(handed_over)))

    assert sent == len(sink.raw) == 3
    left = Message.objects.filter(state=State.DUE).values_list("attempts", flat=True)
    assert list(left) == [0, 0, 0]


# --- Processes that die, and concurrent runs ------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_sent_mail_is_saved_even_if_the_rest_cannot_be_released(
    enqueue: Enqueue, sink: Sink, now: datetime
) -> None:
    for key in ("a", "b", "c"):
        enqueue(key=key, now=now - timedelta(minutes=1))
    enqueue(key="d")
    handed_over: list[None] = []

    def spoil() -> None:
        # Releasing would count the tries below zero, which the column refuses.
        Message.objects.filter(key="d").update(attempts=0)
        handed_over.append(None)
        connections.close_all()

    sink.when_handed_over = spoil

    with pytest.raises(IntegrityError, match="attempts"):
        sending.send_due(clock=lambda: now + timedelta(seconds=20 * len(handed_over)))

    assert [state for state, _reason in states()] == ["sent", "sent", "sent", "sending"]


def test_row_of_a_dead_process_is_settled_after_three_minutes(
    plan: Plan, enqueue: Enqueue, sink: Sink, now: datetime
) -> None:
    for message in (plan("a-once"), enqueue(key="b-account")):
        row = Message.objects.filter(pk=message.pk)
        row.update(state=State.SENDING, sending_at=now, attempts=1)

    send(now, timedelta(minutes=2))
    assert states() == [("sending", ""), ("sending", "")]

    send(now, timedelta(minutes=4))
    assert states() == [("unknown", "no answer"), ("due", "")]
    send(now, timedelta(minutes=5))
    assert states() == [("unknown", "no answer"), ("sent", "")]
    assert sink.to == ["alice@example.org"]


@pytest.mark.django_db(transaction=True)
def test_mail_that_may_be_retried_is_saved_at_once(
    enqueue: Enqueue, sink: Sink, now: datetime
) -> None:
    """Saved with its chunk, up to twenty mails would be sent twice when the process dies."""
    for key in ("a", "b"):
        enqueue(key=key)
    seen: list[list[str]] = []

    def look() -> None:
        seen.append([state for state, _reason in states()])
        connections.close_all()

    sink.when_handed_over = look
    send(now)

    assert sorted(seen[1]) == ["sending", "sent"]


@pytest.mark.django_db(transaction=True)
def test_row_claimed_by_another_run_meanwhile_is_left_to_it(
    plan: Plan, enqueue: Enqueue, sink: Sink, now: datetime
) -> None:
    """A process that was suspended may not release what another one is sending."""
    first, second = enqueue(key="a"), plan("b")
    later = now + timedelta(minutes=4)
    time = [now]

    def take_over() -> None:
        Message.objects.filter(pk=second.pk).update(sending_at=later, attempts=2)
        connections.close_all()
        # The time is up after the first mail, so the second would be released.
        time[0] = later

    sink.when_handed_over = take_over
    sending.send_due(clock=lambda: time[0])

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, len(sink.raw)) == (State.SENT, 1)
    assert (second.state, second.sending_at, second.attempts) == (State.SENDING, later, 2)


@pytest.mark.django_db(transaction=True)
def test_mails_are_sent_outside_any_transaction(plan: Plan, sink: Sink, now: datetime) -> None:
    plan("anna")
    seen: list[str] = []

    def look() -> None:
        seen.extend(Message.objects.values_list("state", flat=True))
        connections.close_all()

    sink.when_handed_over = look
    send(now)

    # During the handover another connection could read the committed claim.
    assert seen == ["sending"]


@pytest.mark.django_db(transaction=True)
def test_two_senders_at_once_send_each_mail_once(plan: Plan, sink: Sink, now: datetime) -> None:
    for number in range(120):
        plan(f"p{number:03}")
    together = threading.Barrier(3)
    # The first two mails wait for each other, so both senders have claimed a chunk.
    first_two = itertools.count()
    both_claimed = threading.Barrier(2)
    sent: list[int] = []

    def meet() -> None:
        if next(first_two) < 2:
            both_claimed.wait(timeout=120)

    sink.when_handed_over = meet

    def run() -> None:
        together.wait()
        sent.append(send(now))
        connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    together.wait()
    for thread in threads:
        thread.join(timeout=120)

    assert sum(sent) == 120
    assert min(sent) > 0
    assert len(sink.ids) == len(set(sink.ids)) == 120


@pytest.mark.django_db(transaction=True)
def test_row_locked_by_another_sender_is_skipped(plan: Plan, sink: Sink, now: datetime) -> None:
    locked = plan("anna")
    plan("bea")
    is_locked, done = threading.Event(), threading.Event()

    @transaction.atomic
    def lock() -> None:
        Message.objects.select_for_update().get(pk=locked.pk)
        is_locked.set()
        done.wait(timeout=120)

    other = threading.Thread(target=lambda: (lock(), connections.close_all()))
    other.start()
    assert is_locked.wait(timeout=120)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '2s'")

    try:
        assert send(now) == 1
    finally:
        done.set()
        other.join(timeout=120)
        connection.close()

    assert sink.to == ["bea@example.org"]


# --- What others read ----------------------------------------------------------------------


def test_run_beats_and_lag_is_the_age_of_the_oldest_due_mail(
    plan: Plan, settings: Settings, now: datetime
) -> None:
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    assert Message.objects.lag(now) == timedelta(0)
    plan("anna", due_at=now - timedelta(minutes=3))
    plan("bea", due_at=now - timedelta(minutes=1))

    send(now)
    send(now, timedelta(seconds=2))

    assert Message.objects.lag(now) == timedelta(minutes=3)
    assert Heartbeat.objects.ages(now + timedelta(seconds=5)) == {"mail": timedelta(seconds=3)}


def test_idle_tick_takes_four_statements_and_no_connection(
    sink: Sink, now: datetime, statements: Statements
) -> None:
    with statements() as asked:
        send(now)

    assert len(asked) == 4, asked
    assert sink.connections == 0


def test_statements_per_chunk_and_per_mail(
    plan: Plan, sink: Sink, now: datetime, statements: Statements
) -> None:
    for number in range(40):
        plan(f"p{number:02}")

    with statements() as asked:
        assert send(now) == 40

    # Four before, three per chunk of twenty, one that finds nothing more, and for each mail whether
    # it is still wanted.
    assert len(asked) == 4 + 2 * 3 + 1 + 40, asked


def test_str_of_a_message_shows_no_address(enqueue: Enqueue) -> None:
    message = enqueue()

    assert str(message) == f"account.code mail {message.pk}"
