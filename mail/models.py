from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Self
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import BooleanField, Count, ExpressionWrapper, F, Max, Q, Subquery
from django.db.models.functions import Coalesce

from mail.relay_answers import SAYS_UNKNOWN, Answer, Verdict

# A row in `sending` for this long belongs to a process that died: Celery ends one after 135
# seconds. Short enough to send a code again within the ten minutes it lives.
STUCK_AFTER = timedelta(minutes=3)
# For how long one address that is gone keeps us from believing it of another one, if the relay
# accepts nothing meanwhile. A small site may send nothing else for weeks.
DOUBT_LASTS = timedelta(days=7)
# False sorts first: somebody is waiting for prerendered mail (a code), so it must not queue behind
# other mail, or behind what was refused before. The index mail_message_next has this order.
HAS_NO_PAYLOAD = ExpressionWrapper(Q(payload=b""), output_field=BooleanField())
WAS_REFUSED = ExpressionWrapper(Q(refused_at__isnull=False), output_field=BooleanField())
SENDING_ORDER = (HAS_NO_PAYLOAD, WAS_REFUSED, "due_at", "pk")
# `rows` is the SQL of a locking query. ARRAY runs it once; with a plain IN, Postgres may choose a
# plan that runs the subquery and its LIMIT several times, and so claims too many rows.
CLAIM = """
UPDATE mail_message SET state = %s, sending_at = %s, attempts = attempts + 1
WHERE id = ANY(ARRAY({rows})) RETURNING id
"""


def inside_window(now: datetime) -> Q:
    return Q(closes_at=None) | Q(closes_at__gt=now)


class State(models.TextChoices):
    DUE = "due"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


FINAL_STATES = (State.SENT, State.FAILED, State.UNKNOWN, State.SKIPPED)


class MessageQuerySet(models.QuerySet["Message"]):
    def pending(self) -> Self:
        return self.filter(state=State.DUE)

    def due(self, now: datetime) -> Self:
        """Mail that may be sent now. A row past its window waits for a new one."""
        return self.pending().filter(inside_window(now), due_at__lte=now)

    def ended_for(self, age: timedelta, *, now: datetime) -> Self:
        """Mail that has been in a final state for longer than this."""
        return self.filter(state__in=FINAL_STATES, ended_at__lt=now - age)

    def sending(self) -> Self:
        return self.filter(state=State.SENDING)

    def still_claimed(self, messages: Sequence["Message"]) -> Self:
        """These rows, as long as they are under the claim that they were read with."""
        keys = [message.pk for message in messages]
        claims = {message.sending_at for message in messages}
        return self.sending().filter(pk__in=keys, sending_at__in=claims)

    def stuck(self, now: datetime) -> Self:
        return self.sending().filter(sending_at__lt=now - STUCK_AFTER)

    def in_sending_order(self) -> Self:
        """Prerendered mail first; of that and the rest, what was never refused; then the oldest."""
        return self.order_by(*SENDING_ORDER)

    def lock_skipping_locked(self) -> Self:
        """Lock the rows that no other transaction has locked."""
        return self.select_for_update(skip_locked=True)

    def claim(self, *, now: datetime, limit: int) -> list[UUID]:
        """Mark up to `limit` of these rows as `sending` and return their ids.

        Committed on return, and each row is claimed by one of any number of concurrent callers.
        """
        with transaction.atomic(durable=True):
            rows = self.lock_skipping_locked().in_sending_order().values("pk")[:limit]
            sql, params = rows.query.sql_with_params()
            with connection.cursor() as cursor:
                cursor.execute(CLAIM.format(rows=sql), [State.SENDING, now, *params])
                return [row[0] for row in cursor.fetchall()]

    def end(self, state: State, *, reason: str = "", now: datetime) -> int:
        """Put these rows into a final state and empty their payload."""
        return self.update(state=state, reason=reason, ended_at=now, payload=b"")

    def skip(self, reason: str, *, now: datetime) -> int:
        """Skip the pending ones of these rows."""
        return self.pending().end(State.SKIPPED, reason=reason, now=now)

    def retry_at(self, due_at: datetime) -> int:
        """Make claimed rows due again at this moment."""
        return self.update(state=State.DUE, sending_at=None, due_at=due_at)

    def put_back(self, due_at: datetime) -> int:
        """Make claimed rows due again at this moment, without counting a try."""
        attempts = F("attempts") - 1
        return self.update(state=State.DUE, sending_at=None, attempts=attempts, due_at=due_at)

    def release(self) -> int:
        """Make claimed rows due again without counting a try."""
        attempts = F("attempts") - 1
        return self.update(state=State.DUE, sending_at=None, attempts=attempts)

    def record_refusal(self, answer: Answer, *, now: datetime) -> int:
        """Save why these rows were not sent this time."""
        return self.update(refused_at=now, refusal=answer.verdict, reply=answer.reply)

    def accepted_since(self, moment: datetime | None) -> bool:
        """Whether the relay has accepted any mail since this moment, if there is one."""
        if moment is None:
            return False
        return self.filter(state=State.SENT, ended_at__gt=moment).exists()

    def refused_since_accepted(self) -> Self:
        """Mail whose last refusal is later than the last mail that the relay has accepted."""
        sent = Message.objects.filter(state=State.SENT).order_by("-ended_at").values("ended_at")
        never = datetime.min.replace(tzinfo=UTC)
        return self.filter(refused_at__gt=Coalesce(Subquery(sent[:1]), never))

    def said_of_others(self, messages: Sequence["Message"], *, now: datetime) -> Self:
        """Mail to other people, or to nobody we know, that was lately refused as to no such
        address."""
        people = [message.person_id for message in messages if message.person_id]
        others = self.filter(refusal__in=SAYS_UNKNOWN, refused_at__gt=now - DOUBT_LASTS)
        others = others.exclude(pk__in=[message.pk for message in messages])
        return others.exclude(person__in=people) if people else others

    def days_in_doubt(self, message: "Message") -> set[date]:
        """The days, in UTC, on which perhaps there was no such address as this person's, since a
        mail last reached them."""
        theirs = self.filter(person=message.person_id) if message.person_id else self.none()
        reached = theirs.filter(state=State.SENT).aggregate(at=Max("ended_at"))["at"]
        doubted = theirs.filter(refusal=Verdict.PERHAPS_NO_SUCH_ADDRESS)
        if reached:
            doubted = doubted.filter(refused_at__gt=reached)
        moments = doubted.values_list("refused_at", flat=True)
        return {at.astimezone(UTC).date() for at in moments if at}

    def held_up(self) -> list[tuple[str, str, int]]:
        """Return why mail waits though it is wanted: refusal, reply and number, the most first.

        What the relay refused before it accepted another mail is about a single address.
        """
        ours = Q(refusal=Verdict.OUR_FAULT)
        relays = Q(refusal__in=(Verdict.REFUSED, Verdict.NO_SUCH_ADDRESS))
        latest = Message.objects.refused_since_accepted().values("pk")
        rows = self.pending().filter(ours | (relays & Q(pk__in=latest)))
        counted = rows.values_list("refusal", "reply").annotate(count=Count("pk"))
        return list(counted.order_by("-count", "refusal", "reply"))

    def lag(self, now: datetime) -> timedelta:
        """Return how long the oldest due mail has been waiting; zero if none is due."""
        oldest = self.due(now).order_by("due_at").values_list("due_at", flat=True).first()
        return now - oldest if oldest else timedelta(0)


class Message(models.Model):
    """One mail, from queued to its final state: outbox and ledger."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    kind = models.CharField(max_length=40)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+"
    )
    # Idempotency key: a second row with the same key is not stored.
    key = models.CharField(max_length=120, unique=True)
    # Address and content of prerendered mail, sealed. Emptied in a final state.
    payload = models.BinaryField(default=b"")
    state = models.CharField(max_length=10, choices=State.choices, default=State.DUE)
    reason = models.CharField(max_length=40, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    # The end of its window: not sent at or after this moment.
    closes_at = models.DateTimeField(null=True)
    sending_at = models.DateTimeField(null=True)
    # The last time that it was not sent: when, why, and the relay's reply in codes or the type of
    # our own error. Never the relay's words, which may contain an address.
    refused_at = models.DateTimeField(null=True)
    refusal = models.CharField(max_length=40, blank=True, default="", db_default="")
    reply = models.CharField(max_length=40, blank=True, default="", db_default="")
    ended_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    objects = MessageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=State.values), name="mail_message_has_a_known_state"
            ),
            models.CheckConstraint(
                condition=Q(state__in=FINAL_STATES, ended_at__isnull=False)
                | (~Q(state__in=FINAL_STATES) & Q(ended_at__isnull=True)),
                name="mail_message_is_over_when_it_ended",
            ),
            models.CheckConstraint(
                condition=~Q(state=State.SENDING) | Q(sending_at__isnull=False),
                name="mail_message_being_sent_says_since_when",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=FINAL_STATES) | Q(payload=b""),
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
                HAS_NO_PAYLOAD,
                WAS_REFUSED,
                "due_at",
                "id",
                condition=Q(state="due"),
                name="mail_message_next",
            ),
            models.Index(
                fields=["sending_at"], condition=Q(state="sending"), name="mail_message_sending"
            ),
            models.Index(fields=["ended_at"], condition=Q(state="sent"), name="mail_message_sent"),
            models.Index(
                fields=["refused_at"],
                condition=Q(refused_at__isnull=False),
                name="mail_message_refused",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} mail {self.pk}"

    def is_past_window(self, now: datetime) -> bool:
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
        """Return the time since each last beat, by name."""
        return {name: now - at for name, at in self.values_list("name", "at")}


class Heartbeat(models.Model):
    """When a periodic task last ran: shows /readyz whether beat and worker are alive."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()

    objects = HeartbeatQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name
