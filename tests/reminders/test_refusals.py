"""What a relay's refusal does to the wish for reminders: nothing, unless it is about the address.

Each vector is an answer of a real SMTP server on loopback.
"""

from datetime import datetime, timedelta

import pytest
from django.db.models import Max

from accounts.models import User
from mail.actions import enqueue
from mail.emails import MailContent
from mail.models import Message
from mail.relay_answers import Phase, Verdict, classify
from reminders import actions
from reminders.mail_kinds import NOTE
from reminders.models import Schedule
from tests.reminders.conftest import plan, send
from tests.support.client import Client
from tests.support.smtp import Sink

pytestmark = pytest.mark.django_db

# Less than a chunk.
CROWD = 8
HELLO = MailContent(subject="Your code", text="Hello.", html="<p>Hello.</p>")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

ABOUT_US = {
    "no relay": {"recipient": "550 relay not permitted"},
    "no relay, enhanced": {"recipient": "554 5.7.1 <a@example.org>: Relay access denied"},
    "relaying, exim": {"recipient": "550 relaying prohibited. You should authenticate first"},
    "relaying, exchange": {"recipient": "550 5.7.54 SMTP; Unable to relay recipient"},
    "not in rcpthosts": {"recipient": "553 that domain isn't allowed to be relayed (#5.7.1)"},
    "sender's domain": {"recipient": "550 5.1.8 Sender address rejected"},
    "sender's domain, for now": {"recipient": "450 4.1.8 Sender address rejected"},
    "sender's syntax": {"recipient": "553 5.1.7 Bad sender address syntax"},
    "sender under a code of the address": {"recipient": "550 5.1.1 Sender address rejected"},
    "relay under a code of the address": {"recipient": "550 5.1.1 relaying denied"},
    "blocked, a list": {"recipient": "550 Blocked - see https://list.invalid/?ip=192.0.2.1"},
    "blocked, enhanced": {"recipient": "550 5.7.1 Service unavailable; client [192.0.2.1] blocked"},
    "spf": {"recipient": "550 5.7.23 SPF validation failed"},
    "an address that begins like a code": {"recipient": "550 5.1.1.7 is listed"},
    "two codes that disagree": {"recipient": "550 5.1.1 rejected (#5.7.1)"},
    "no sign-in": {"recipient": "530 5.7.0 Authentication required"},
    "too many": {"recipient": "452 4.5.3 too many recipients"},
    "no room at the relay": {"recipient": "452 4.3.1 Insufficient system storage"},
    "bare 451": {"recipient": "451 later"},
    "bare 421": {"recipient": "421 busy"},
    "bare 550": {"recipient": "550 no"},
    "bare 553": {"recipient": "553 no"},
    "bare 554": {"recipient": "554 no"},
    "a code nobody knows": {"recipient": "599 9.9.9 what"},
    "sender refused": {"sender": "550 5.7.1 not your domain"},
    "sender with a code of an address": {"sender": "550 5.1.1 no such user"},
    "no sign-in at MAIL": {"sender": "530 5.7.0 Must issue a STARTTLS command first"},
    "quota at MAIL": {"sender": "452 4.2.2 over quota"},
    "closed at MAIL": {"drop": "at MAIL"},
    "EHLO refused": {"greeting": "550 5.7.1 who are you"},
    "DATA refused": {"data": "554 5.7.1 no valid recipients"},
    "DATA put off": {"data": "451 4.3.0 queue is full"},
    "closed before the text": {"drop": "before 354"},
    "content refused": {"answer": "550 looks like spam"},
    "content refused, enhanced": {"answer": "554 5.7.1 message rejected as spam"},
    "rate": {"answer": "451 4.7.0 Temporary rate limit"},
    "all are unknown": {"recipient": "550 5.1.1 User unknown"},
    "all are unknown, at the dot": {"answer": "550 5.1.1 User unknown"},
}


@pytest.fixture
def crowd(now: datetime, evening: datetime) -> list[Schedule]:
    """People whose first note is pending since three in the afternoon."""
    people = User.objects.bulk_create(
        User(email=f"p{number:02}@example.org", password="x", time_zone="Europe/Berlin")
        for number in range(CROWD)
    )
    schedules = Schedule.objects.bulk_create(
        Schedule(person=person, hour=15, chosen_at=now, next_due_at=evening + DAY, unanswered=1)
        for person in people
    )
    Message.objects.bulk_create(
        Message(
            kind=NOTE,
            key=f"{NOTE}:{person.pk}:2026-03-15",
            person=person,
            due_at=evening - 5 * HOUR,
            closes_at=evening + timedelta(seconds=30),
            created_at=evening - 5 * HOUR,
        )
        for person in people
    )
    return schedules


@pytest.fixture
def afternoon(evening: datetime) -> datetime:
    return evening - 5 * HOUR


def wishes() -> list[dict[str, object]]:
    return list(Schedule.objects.order_by("pk").values())


def send_until_none_is_due(at: datetime) -> None:
    """Run again and again at one moment: each run may stop early, and puts back what it tried."""
    while Message.objects.due(at).exists():
        send(at)


def next_moment(at: datetime) -> datetime:
    """When something is due next, at least a quarter of an hour later."""
    moments = [*Schedule.objects.values_list("next_due_at", flat=True)]
    moments += Message.objects.pending().values_list("due_at", flat=True)
    moments += Message.objects.pending().values_list("closes_at", flat=True)
    quarter = at + timedelta(minutes=15)
    return max(quarter, min((moment for moment in moments if moment), default=quarter))


@pytest.mark.parametrize("answers", ABOUT_US.values(), ids=ABOUT_US)
def test_relay_that_blames_us_touches_nobody(
    crowd: list[Schedule], sink: Sink, afternoon: datetime, answers: dict[str, str]
) -> None:
    before = wishes()
    for name, answer in answers.items():
        setattr(sink, name, answer)

    # One mail is enough to learn it; that several addresses are gone at once takes two.
    assert send(afternoon) == 0
    assert len(sink.tried) <= 2

    send_until_none_is_due(afternoon)
    assert wishes() == before
    assert set(Message.objects.values_list("state", "attempts", "ended_at")) == {("due", 0, None)}

    for name in answers:
        setattr(sink, name, getattr(Sink(), name))
    send_until_none_is_due(Message.objects.aggregate(at=Max("due_at"))["at"])
    assert sink.to == sorted(row.person.email for row in crowd)


def test_relay_that_knows_nobody_any_more_stops_at_most_one_person(
    crowd: list[Schedule], sink: Sink, afternoon: datetime
) -> None:
    """Each note comes into a run of its own, so that no chunk shows that they are several."""
    sink.recipient = "550 5.1.1 User unknown"
    for place, note in enumerate(Message.objects.order_by("pk")):
        note.due_at = afternoon + timedelta(seconds=place)
        note.save(update_fields=["due_at"])

    for place in range(CROWD):
        send(afternoon + timedelta(seconds=place))

    assert len(sink.tried) == CROWD
    assert Schedule.objects.on().count() == CROWD - 1


@pytest.mark.parametrize("status", ["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"])
def test_address_that_does_not_exist_stops_its_own_reminders_with_a_reason(
    crowd: list[Schedule], sink: Sink, afternoon: datetime, status: str
) -> None:
    gone = User.objects.get(email="p07@example.org")
    sink.recipients[gone.email] = f"550 {status} <{gone.email}>: Recipient address rejected"

    assert send(afternoon) == CROWD - 1

    schedule = Schedule.objects.of(gone).get()
    assert (schedule.stop_reason, schedule.stopped_at) == ("no such address", afternoon)
    assert (schedule.next_due_at, schedule.hour) == (None, 15)
    assert Schedule.objects.on().count() == CROWD - 1
    note = Message.objects.get(person=gone)
    assert (note.state, note.reason, note.reply) == (
        "failed",
        "no such address",
        f"550 {status} RCPT",
    )
    # Nothing plans it again.
    plan(afternoon + 40 * DAY)
    assert Message.objects.filter(person=gone).count() == 1


@pytest.mark.parametrize(
    "words",
    [
        "User unknown in relay recipient table",
        "The email account that you tried to reach is blocked",
        "<blocked-sender@relay.example>: no mailbox here by that name",
        "mailbox disabled, not accepting messages\n5.2.1 sorry",
    ],
)
def test_words_that_only_look_like_blame_do_not_hide_that_an_address_is_gone(words: str) -> None:
    assert classify(Phase.RECIPIENT, 550, f"5.2.1 {words}").verdict is Verdict.NO_SUCH_ADDRESS


def test_many_mails_to_one_address_that_is_gone_are_about_that_address(
    crowd: list[Schedule], sink: Sink, afternoon: datetime
) -> None:
    gone = User.objects.get(email="p07@example.org")
    sink.recipients[gone.email] = "550 5.1.1 no such user"
    for number in range(3):
        enqueue(
            kind="account.notice",
            to=gone.email,
            content=HELLO,
            now=afternoon,
            person=gone,
            key=f"notice {number}",
        )

    assert send(afternoon) == CROWD - 1

    assert set(Message.objects.filter(person=gone).values_list("reason", flat=True)) == {
        "no such address"
    }
    assert Schedule.objects.on().count() == CROWD - 1


def test_bare_550_is_believed_on_the_third_day(
    chosen: Schedule, bob: User, sink: Sink, now: datetime
) -> None:
    """As long as the relay takes the mail of others."""
    sink.recipients["alice@example.org"] = "550 No such user here"
    at, days = now, set()
    while Schedule.objects.on().exists() and at < now + 60 * DAY:
        at = next_moment(at)
        enqueue(kind="account.code", to=bob.email, content=HELLO, now=at, person=bob)
        plan(at)
        tried = sink.tried.count("alice@example.org")
        send_until_none_is_due(at)
        if sink.tried.count("alice@example.org") > tried:
            days.add(at.date())

    chosen.refresh_from_db()
    assert chosen.stop_reason == "no such address"
    assert len(days) >= 3


def test_bare_550_for_everybody_is_never_believed(
    crowd: list[Schedule], sink: Sink, now: datetime
) -> None:
    few = [schedule.person_id for schedule in crowd[:3]]
    User.objects.exclude(pk__in=few).delete()
    sink.recipient = "550 No such user here"
    at = now
    while at < now + 14 * DAY:
        at = next_moment(at)
        plan(at)
        send_until_none_is_due(at)

    assert len(sink.tried) > 3 * len(few)
    assert Schedule.objects.on().count() == len(few)
    assert not Message.objects.filter(reason="no such address").exists()


def test_stopped_schedule_stays_stopped_until_it_is_turned_on(
    planned: Message, chosen: Schedule, alice: User, sink: Sink, evening: datetime
) -> None:
    sink.recipients[alice.email] = "550 5.1.1 no such user"
    send(evening)

    actions.change_time_zone(person=alice, zone="Asia/Tokyo", now=evening)
    chosen.refresh_from_db()
    assert (chosen.next_due_at, chosen.stop_reason) == (None, "no such address")

    actions.turn_on(person=alice, hour=9, zone="Asia/Tokyo", now=evening)
    chosen.refresh_from_db()
    assert (chosen.stopped_at, chosen.stop_reason, chosen.next_due_at is None) == (None, "", False)


def test_their_pages_say_why_reminders_have_stopped(
    as_alice: Client, planned: Message, alice: User, sink: Sink, evening: datetime
) -> None:
    sink.recipients[alice.email] = "550 5.1.1 no such user"
    send(evening)

    for address in ("/you/", "/you/reminders/", "/today/"):
        page = as_alice.get(address).text
        assert "the mail server said that your address does not exist" in page
        assert 'href="/accounts/email/"' in page
    assert "Start them again" in as_alice.get("/you/reminders/").text
