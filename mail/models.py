from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import BooleanField, ExpressionWrapper, F, Q

# A row that is still being sent after this long belongs to a process that is gone: Celery ends one
# that takes 135 seconds. Short enough that a code, which lives for ten minutes, is sent once more.
STUCK_AFTER = timedelta(minutes=3)
# False comes first: mail that carries its own words is mail that somebody is waiting for, and goes
# before any crowd of the other kinds. An index holds this order.
IS_EMPTY = ExpressionWrapper(Q(payload=b""), output_field=BooleanField())
IN_TURN = (IS_EMPTY, "due_at", "pk")
# `rows` is the database's own text of a query that locks. As an array it is worked out once; a
# plain IN may be planned in a way that runs its LIMIT again and again.
CLAIM = """
UPDATE mail_message SET state = %s, sending_at = %s, attempts = attempts + 1
WHERE id = ANY(ARRAY({rows})) RETURNING id
"""


class State(models.TextChoices):
    DUE = "due"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


OVER = (State.SENT, State.FAILED, State.UNKNOWN, State.SKIPPED)


class MessageQuerySet(models.QuerySet["Message"]):
    def waiting(self) -> Self:
        return self.filter(state=State.DUE)

    def due(self, now: datetime) -> Self:
        """What may leave now. A row whose window has closed waits for a new one."""
        in_window = Q(closes_at=None) | Q(closes_at__gt=now)
        return self.waiting().filter(in_window, due_at__lte=now)

    def over_for(self, age: timedelta, *, now: datetime) -> Self:
        return self.filter(state__in=OVER, ended_at__lt=now - age)

    def being_sent(self) -> Self:
        return self.filter(state=State.SENDING)

    def claimed_with(self, messages: Sequence["Message"]) -> Self:
        """These rows, as far as the claim that these messages were read under still holds."""
        keys = [message.pk for message in messages]
        claims = {message.sending_at for message in messages}
        return self.being_sent().filter(pk__in=keys, sending_at__in=claims)

    def stuck(self, now: datetime) -> Self:
        return self.being_sent().filter(sending_at__lt=now - STUCK_AFTER)

    def in_turn(self) -> Self:
        """What somebody is waiting for first, and of that the oldest."""
        return self.order_by(*IN_TURN)

    def lock_skipping_locked(self) -> Self:
        """Locked for this transaction, passing by what another one holds."""
        return self.select_for_update(skip_locked=True)

    def claim(self, *, now: datetime, limit: int) -> list[UUID]:
        """Mark up to `limit` of these rows as being sent: one statement, committed on return.

        A row is claimed by one caller only, however many call at once.
        """
        with transaction.atomic(durable=True):
            rows, params = (
                self.lock_skipping_locked().in_turn().values("pk")[:limit].query.sql_with_params()
            )
            with connection.cursor() as cursor:
                cursor.execute(CLAIM.format(rows=rows), [State.SENDING, now, *params])
                return [row[0] for row in cursor.fetchall()]

    def end(self, state: State, *, reason: str = "", now: datetime) -> int:
        """Close these rows for good. What they carried is emptied."""
        return self.update(state=state, reason=reason, ended_at=now, payload=b"")

    def skip(self, reason: str, *, now: datetime) -> int:
        """Close those of these rows that have not begun to leave."""
        return self.waiting().end(State.SKIPPED, reason=reason, now=now)

    def put_back(self, *, due_at: datetime) -> int:
        """Make rows that were being sent due again at a later moment."""
        return self.update(state=State.DUE, sending_at=None, due_at=due_at)

    def never_tried(self) -> int:
        """Like put_back, for rows that were claimed and then left alone: no try is counted."""
        attempts = F("attempts") - 1
        return self.update(state=State.DUE, sending_at=None, attempts=attempts)

    def lag(self, now: datetime) -> timedelta:
        """How long the oldest mail that may leave has been waiting. Zero when nothing waits."""
        oldest = self.due(now).order_by("due_at").values_list("due_at", flat=True).first()
        return now - oldest if oldest else timedelta(0)


class Message(models.Model):
    """One mail, from the moment somebody wants it to what became of it: outbox and ledger."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    kind = models.CharField(max_length=40)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+"
    )
    # What makes this mail this mail: a second row with the same key is never stored.
    key = models.CharField(max_length=120, unique=True)
    # Address and words of a mail that was written beforehand, sealed; empty once it is over.
    payload = models.BinaryField(default=b"")
    state = models.CharField(max_length=10, choices=State.choices, default=State.DUE)
    reason = models.CharField(max_length=40, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    # Where set, the mail does not leave at or after this moment.
    closes_at = models.DateTimeField(null=True)
    sending_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    objects = MessageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=State.values), name="mail_message_has_a_known_state"
            ),
            models.CheckConstraint(
                condition=Q(state__in=OVER, ended_at__isnull=False)
                | (~Q(state__in=OVER) & Q(ended_at__isnull=True)),
                name="mail_message_is_over_when_it_ended",
            ),
            models.CheckConstraint(
                condition=~Q(state=State.SENDING) | Q(sending_at__isnull=False),
                name="mail_message_being_sent_says_since_when",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=OVER) | Q(payload=b""),
                name="mail_message_over_carries_nothing",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=(State.FAILED, State.UNKNOWN, State.SKIPPED))
                | ~Q(reason=""),
                name="mail_message_not_sent_says_why",
            ),
        ]
        indexes = [
            models.Index(
                IS_EMPTY, "due_at", "id", condition=Q(state="due"), name="mail_message_due"
            ),
            models.Index(
                fields=["sending_at"], condition=Q(state="sending"), name="mail_message_sending"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} mail {self.pk}"

    def is_closed(self, now: datetime) -> bool:
        return self.closes_at is not None and self.closes_at <= now


class HeartbeatQuerySet(models.QuerySet["Heartbeat"]):
    def beat(self, name: str, *, now: datetime) -> None:
        self.bulk_create(
            [Heartbeat(name=name, at=now)],
            update_conflicts=True,
            unique_fields=["name"],
            update_fields=["at"],
        )

    def ages(self, now: datetime) -> dict[str, timedelta]:
        """How long ago each of them was last seen."""
        return {name: now - at for name, at in self.values_list("name", "at")}


class Heartbeat(models.Model):
    """When a task of the clock last ran: how a page can tell that beat and worker live."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()

    objects = HeartbeatQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name
