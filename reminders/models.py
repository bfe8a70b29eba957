import re
import secrets
from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from mail.quiet_hours import HOUR_WORDS, HOURS
from reminders import schedule
from reminders.schedule import GAPS, Standing, Verdict, Wish

TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")


def new_token() -> str:
    """22 characters: short enough that the header which carries it stays on one line."""
    return secrets.token_urlsafe(16)


class Rhythm(models.TextChoices):
    GENTLE = "gentle"


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    def of(self, person: Any) -> Self:
        return self.filter(person=person)

    def with_token(self, token: str) -> Self:
        """The schedule that a mail's stop link means; none for anything that is not a token."""
        return self.filter(token=token) if TOKEN.fullmatch(token) else self.none()

    def due(self, now: datetime) -> Self:
        return self.filter(next_due_at__lte=now)

    def lock(self) -> Self:
        """Locked for this transaction, with their people. Who changes notes as well locks their
        schedules first, so that no two wait for each other."""
        return self.select_related("person").select_for_update(of=("self",))

    def lock_skipping_locked(self) -> Self:
        """Like locked, passing by what another transaction holds."""
        return self.select_related("person").select_for_update(of=("self",), skip_locked=True)


class Schedule(models.Model):
    """Somebody's wish for a note now and then. While there is none, nothing is sent."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="reminder"
    )
    rhythm = models.CharField(max_length=10, choices=Rhythm.choices, default=Rhythm.GENTLE)
    hour = models.PositiveSmallIntegerField()
    # Stands in every note; can do one thing, which is to stop them.
    token = models.CharField(max_length=22, unique=True, default=new_token, editable=False)
    # When they said yes, to this hour.
    chosen_at = models.DateTimeField()
    # Their last visit as it was when this was last decided about.
    visit_seen_at = models.DateTimeField(null=True)
    # Notes since that visit.
    unanswered = models.PositiveSmallIntegerField(default=0)
    # The day, in their zone, of the last turn of the rhythm.
    last_on = models.DateField(null=True)
    # When to decide about them next: the next note, or some days on where that comes first, for a
    # visit changes when the next note is due. Null once the last note has gone.
    next_due_at = models.DateTimeField(null=True)

    objects = ScheduleQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(hour__in=list(HOURS)), name="reminders_hour_is_in_the_day"
            ),
            models.CheckConstraint(
                condition=Q(rhythm__in=Rhythm.values), name="reminders_rhythm_is_known"
            ),
            models.CheckConstraint(
                condition=Q(unanswered__lte=len(GAPS)), name="reminders_fall_silent"
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_due_at"],
                condition=Q(next_due_at__isnull=False),
                name="reminders_schedule_due",
            )
        ]

    def __str__(self) -> str:
        return f"schedule of {self.person_id}"

    @property
    def has_fallen_silent(self) -> bool:
        """The last note has said that it will be quiet now, and it is."""
        return self.next_due_at is None

    @property
    def hour_in_words(self) -> str:
        return str(HOUR_WORDS[self.hour])

    @property
    def wish(self) -> Wish:
        return Wish(self.person_id, self.hour, self.person.zone)

    def choose(self, *, hour: int, now: datetime) -> None:
        """Begin the rhythm (again) today, at this hour."""
        self.hour = hour
        self.chosen_at = now
        self.visit_seen_at = self.person.last_visit_at
        self.unanswered = 0
        self.next_due_at = schedule.look_at(self.standing(), self.wish, now)
        self.save()

    def decide(self, *, recent: Collection[date], now: datetime) -> Verdict:
        """What to do now, given the days of the last week that had a note. Not stored."""
        wish = self.wish
        if self.person.last_visit_at != self.visit_seen_at:
            self.visit_seen_at = self.person.last_visit_at
            self.unanswered = 0
        standing = self.standing(recent)
        verdict = schedule.decide(standing, wish, now)
        today = now.astimezone(wish.zone).date()
        if verdict in (Verdict.SEND, Verdict.STALE):
            self.last_on = today
        if verdict is Verdict.SEND:
            self.unanswered += 1
        standing = replace(standing, last_on=self.last_on, unanswered=self.unanswered)
        self.next_due_at = schedule.look_at(standing, wish, now)
        return verdict

    def standing(self, recent: Collection[date] = ()) -> Standing:
        here_at = max(self.chosen_at, self.visit_seen_at or self.chosen_at)
        return Standing(
            here_on=here_at.astimezone(self.wish.zone).date(),
            last_on=self.last_on,
            unanswered=self.unanswered,
            recent=recent,
        )

    def new_window(self, *, now: datetime) -> datetime | None:
        """Another moment for the note of `last_on`, whose day is over; None when it is too late."""
        wish = self.wish
        again = schedule.next_turn(wish, now)
        first = schedule.due(wish, self.last_on) if self.last_on else now
        return again if again - first <= schedule.LATEST else None

    def time_zone_changed(self, *, now: datetime) -> None:
        """They live by another clock now: the same rhythm, at the same hour, by that clock."""
        self.next_due_at = schedule.look_at(self.standing(), self.wish, now)
        self.save(update_fields=["next_due_at"])

    def missed(self, *, now: datetime) -> None:
        """The note that was planned last did not arrive: it does not count."""
        self.unanswered = max(self.unanswered - 1, 0)
        self.next_due_at = schedule.look_at(self.standing(), self.wish, now)
        self.save(update_fields=["unanswered", "next_due_at"])


# What `decide` changes.
DECIDED = ["visit_seen_at", "unanswered", "last_on", "next_due_at"]
