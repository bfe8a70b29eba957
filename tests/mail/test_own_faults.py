"""Our own trouble costs nobody their mail: it waits, untried, until the trouble is over."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.core.mail import EmailMessage
from django.db import OperationalError, connection, connections
from django.test.utils import override_settings
from pytest_django import Settings

from mail import actions, kinds, save_outcomes, sending
from mail.emails import build, render
from mail.kinds import Kind
from mail.models import Message
from tests.mail.conftest import HELLO, Enqueue
from tests.support.accounts import CANNOT_BE_WRITTEN, READ_AS_ANOTHER
from tests.support.smtp import Sink
from vault.key_ring import new_keyset

pytestmark = pytest.mark.django_db(transaction=True)

CROWD = 12
Rows = list[dict[str, object]]

UNTOUCHED = ("id", "state", "reason", "attempts", "payload", "closes_at", "ended_at")


def send(now: datetime, after: timedelta = timedelta(0)) -> int:
    return sending.send_due(clock=lambda: now + after)


def rows() -> Rows:
    """What may not change: everything but when it is due, and why it waits."""
    found: Rows = list(Message.objects.order_by("pk").values(*UNTOUCHED))
    return [row | {"payload": bytes(row["payload"])} for row in found]  # type: ignore[call-overload]


def send_until_all_have_left(now: datetime) -> None:
    """Run every ten seconds for two hours, as long as mail is pending."""
    for seconds in range(0, 7200, 10):
        if not Message.objects.pending().exists():
            break
        send(now, timedelta(seconds=seconds))


@pytest.fixture
def codes(enqueue: Enqueue) -> None:
    for number in range(CROWD):
        enqueue(to=f"p{number:02}@example.org", key=f"p{number:02}")


@pytest.fixture
def end_sessions() -> Callable[[], None]:
    """Ends every session of this database but its own, as a restart of Postgres does."""

    def end_sessions() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        connections.close_all()

    return end_sessions


@pytest.mark.parametrize("mail", [1, 7, CROWD])
@pytest.mark.parametrize("kind", ["once", "account"])
def test_database_that_ends_its_sessions_in_a_chunk_loses_no_mail(
    plan: Callable[..., Message],
    enqueue: Enqueue,
    sink: Sink,
    now: datetime,
    end_sessions: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    mail: int,
    kind: str,
) -> None:
    """At the hand-over of one mail. Each further mail reads the database to be built."""
    reads_the_database(monkeypatch)
    for number in range(CROWD):
        if kind == "once":
            plan(f"p{number:02}")
        else:
            enqueue(to=f"p{number:02}@example.org", key=f"p{number:02}")

    def end() -> None:
        if len(sink.raw) == mail:
            end_sessions()
        connections.close_all()

    sink.when_handed_over = end
    send(now)
    sink.when_handed_over = lambda: None
    send_until_all_have_left(now)

    assert set(Message.objects.values_list("state", "reason")) == {("sent", "")}
    assert sink.to == [f"p{number:02}@example.org" for number in range(CROWD)]


@pytest.fixture
def take_database_away(
    end_sessions: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], None]]:
    """Ends every session and lets nothing connect, for longer than a run waits."""
    monkeypatch.setattr(save_outcomes, "DATABASE_PATIENCE", 0)
    address = connection.settings_dict
    port = address["PORT"]

    def take_away() -> None:
        end_sessions()
        address["PORT"] = "1"

    yield take_away
    address["PORT"] = port


def bring_database_back(port: str) -> None:
    connection.close()
    connection.settings_dict["PORT"] = port


@pytest.mark.parametrize("mail", [1, 7, CROWD - 1])
@pytest.mark.parametrize("kind", ["once", "account"])
def test_database_that_is_away_for_minutes_loses_and_doubles_no_mail(
    plan: Callable[..., Message],
    enqueue: Enqueue,
    sink: Sink,
    now: datetime,
    take_database_away: Callable[[], None],
    mail: int,
    kind: str,
) -> None:
    """What has left is known, and what was claimed but not begun is sent by the next run, although
    by then its claim is older than that of a process that died."""
    for number in range(CROWD):
        if kind == "once":
            plan(f"p{number:02}")
        else:
            enqueue(to=f"p{number:02}@example.org", key=f"p{number:02}")
    sink.recipients["p00@example.org"] = "550 5.1.1 no such user"
    port = connection.settings_dict["PORT"]

    def take_away() -> None:
        if len(sink.raw) == mail:
            take_database_away()
        connections.close_all()

    sink.when_handed_over = take_away
    with pytest.raises(OperationalError):
        send(now)
    sink.when_handed_over = lambda: None
    bring_database_back(port)
    send(now + timedelta(minutes=4))
    send_until_all_have_left(now + timedelta(minutes=4))

    found = Message.objects.order_by("key").values_list("state", "reason")
    assert list(found) == [("failed", "no such address"), *[("sent", "")] * (CROWD - 1)]
    assert sink.to == [f"p{number:02}@example.org" for number in range(1, CROWD)]


def test_rows_of_other_processes_are_not_settled_just_after_the_database_was_away(
    plan: Callable[..., Message],
    sink: Sink,
    now: datetime,
    take_database_away: Callable[[], None],
) -> None:
    """The process that claimed them may live, and save what it knows."""
    message = plan("a")
    Message.objects.update(state="sending", sending_at=now, attempts=1)
    port, back = connection.settings_dict["PORT"], now + timedelta(minutes=4)

    take_database_away()
    with pytest.raises(OperationalError):
        send(back)
    bring_database_back(port)

    send(back, timedelta(seconds=29))
    message.refresh_from_db()
    assert message.state == "sending"
    send(back, timedelta(seconds=30))
    message.refresh_from_db()
    assert (message.state, message.reason) == ("unknown", "no answer")


def test_claimed_mail_that_could_not_be_read_is_sent_when_the_database_is_back(
    plan: Callable[..., Message],
    sink: Sink,
    now: datetime,
    take_database_away: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in range(CROWD):
        plan(f"p{number:02}")
    port = connection.settings_dict["PORT"]
    select_related = kinds.select_related

    def take_away_and_select_related() -> list[str]:
        """Called between the claim and the reading of what was claimed."""
        monkeypatch.setattr(kinds, "select_related", select_related)
        take_database_away()
        return select_related()

    monkeypatch.setattr(kinds, "select_related", take_away_and_select_related)
    with pytest.raises(OperationalError):
        send(now)
    bring_database_back(port)
    assert send(now + timedelta(minutes=4)) == CROWD

    found = Message.objects.values_list("state", "reason", "attempts")
    assert set(found) == {("sent", "", 1)}


def reads_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every kind read the database before it builds a mail, as that of a sealed letter does."""
    for kind in (kinds._registered["once"], kinds.PRERENDERED):
        plain = kind.compose

        def compose(
            message: Message, plain: Callable[[Message], EmailMessage] = plain
        ) -> EmailMessage:
            assert Message.objects.filter(pk=message.pk).exists()
            return plain(message)

        monkeypatch.setitem(kind.__dict__, "compose", compose)


def test_database_that_ends_its_sessions_after_the_claim_loses_no_mail(
    plan: Callable[..., Message],
    sink: Sink,
    now: datetime,
    end_sessions: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in range(CROWD):
        plan(f"p{number:02}")
    select_related = kinds.select_related

    def end_and_select_related() -> list[str]:
        """Called between the claim and the reading of what was claimed."""
        monkeypatch.setattr(kinds, "select_related", select_related)
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            pid = cursor.fetchone()[0]
        other = connections.create_connection("default")
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
        other.close()
        return select_related()

    monkeypatch.setattr(kinds, "select_related", end_and_select_related)
    send(now)

    assert set(Message.objects.values_list("state", "reason")) == {("sent", "")}
    assert len(sink.raw) == CROWD


def test_mail_waits_for_the_master_key(
    codes: None, sink: Sink, now: datetime, settings: Settings
) -> None:
    before = rows()
    with override_settings(VAULT_KEYS=f"k9:{new_keyset()}"):
        for seconds in range(0, 120, 10):
            send(now, timedelta(seconds=seconds))
        assert rows() == before
        assert sink.connections > 0
    assert sink.raw == []

    send_until_all_have_left(now + timedelta(minutes=10))
    assert sink.to == [f"p{number:02}@example.org" for number in range(CROWD)]


def test_mail_waits_while_its_template_raises(
    sink: Sink, now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """The other kinds are sent meanwhile, and two failures of one sort end a run."""
    folder = tmp_path / "note"
    folder.mkdir()
    for name in ("subject.txt", "body.txt", "body.html"):
        (folder / name).write_text("A note")
    (folder / "body.txt").write_text("{% load no_such_library %}")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    made = []

    def compose(message: Message) -> EmailMessage:
        made.append(message.key)
        return build(message, to=f"{message.key}@example.org", content=render("note"))

    kind = Kind(
        name="templated",
        at_most_once=True,
        compose=compose,
        retry_delays=(timedelta(minutes=15), timedelta(hours=1)),
    )
    monkeypatch.setitem(kinds._registered, kind.name, kind)
    for number in range(CROWD):
        Message.objects.create(kind=kind.name, key=f"p{number:02}", due_at=now, created_at=now)
    actions.enqueue(kind="code", to="code@example.org", content=HELLO, now=now, key="code")
    before = [row for row in rows() if not row["payload"]]

    assert send(now) == 1
    assert len(made) == 2
    for seconds in range(10, 120, 10):
        send(now, timedelta(seconds=seconds))
    assert [row for row in rows() if row["state"] == "due"] == before
    assert sink.to == ["code@example.org"]

    (folder / "body.txt").write_text("A note")
    send_until_all_have_left(now + timedelta(minutes=10))
    assert len(sink.raw) == CROWD + 1


def test_mail_waits_while_the_sender_cannot_be_written(
    codes: None, sink: Sink, now: datetime, settings: Settings
) -> None:
    sender = settings.DEFAULT_FROM_EMAIL
    before = rows()
    for broken in ("Notes, quiet <notes@localhost>", "No\ntes <notes@localhost>", "notes@"):
        settings.DEFAULT_FROM_EMAIL = broken
        for seconds in range(0, 60, 10):
            send(now, timedelta(seconds=seconds))
        assert rows() == before
    assert sink.raw == []

    settings.DEFAULT_FROM_EMAIL = sender
    send_until_all_have_left(now)
    assert len(sink.raw) == CROWD


def test_mail_that_a_task_had_no_time_for_is_put_back(
    plan: Callable[..., Message], sink: Sink, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Celery raises wherever the task is; here it builds the second mail."""
    for key in ("a", "b", "c"):
        plan(key)
    kind = kinds._registered["once"]
    plain = kind.compose

    def compose(message: Message) -> EmailMessage:
        if message.key == "b":
            raise SoftTimeLimitExceeded
        return plain(message)

    monkeypatch.setitem(kind.__dict__, "compose", compose)
    with pytest.raises(SoftTimeLimitExceeded):
        send(now)

    found = dict(Message.objects.values_list("key", "state"))
    assert (found["b"], sorted(found.values()).count("sending")) == ("due", 0)
    assert len(sink.raw) == list(found.values()).count("sent")


@pytest.mark.parametrize("address", [*CANNOT_BE_WRITTEN, *READ_AS_ANOTHER])
def test_address_that_cannot_be_written_fails_alone_and_for_good(
    enqueue: Enqueue, sink: Sink, now: datetime, address: str
) -> None:
    """It is neither our fault nor a word of the relay about other addresses."""
    for number in range(3):
        enqueue(to=address, key=f"a{number}")
    enqueue(to="bob@example.org", key="b")
    sink.recipients["cleo@example.org"] = "550 5.1.1 no such user"
    enqueue(to="cleo@example.org", key="c")

    assert send(now) == 1

    found = Message.objects.order_by("key").values_list("state", "reason", "refusal")
    unwritten = ("failed", "no such address", "")
    assert list(found) == [unwritten] * 3 + [
        ("sent", "", ""),
        ("failed", "no such address", "no such address"),
    ]
    assert sorted(sink.tried) == ["bob@example.org", "cleo@example.org"]


def test_password_that_smtp_cannot_carry_claims_nothing(
    codes: None, sink: Sink, now: datetime, settings: Settings
) -> None:
    before = rows()
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "site", "schlüssel"

    assert send(now) == 0
    assert rows() == before
