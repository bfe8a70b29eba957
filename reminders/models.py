import re
import secrets
from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from mail.quiet_hours import DAY_HOURS, HOUR_LABELS
from reminders import schedule
from reminders.schedule import GAPS, Decision, RhythmState, Slot

TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")


def new_token() -> str:
    """Return 22 characters: few enough that the List-Unsubscribe header stays on one line."""
    return secrets.token_urlsafe(16)


class Rhythm(models.TextChoices):
    GENTLE = "gentle"


class StopReason(models.TextChoices):
    """Why no reminders are sent. A stopped schedule keeps its link: every mail has the same one."""

    TURNED_OFF = "turned off"
    NO_SUCH_ADDRESS = "no such address"


# The columns that a page needs to say whether reminders come, and when.
DISPLAYED_FIELDS = ("hour", "next_due_at", "stopped_at", "stop_reason")


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    def of(self, person: Any) -> Self:
        return self.filter(person=person)

    def on(self) -> Self:
        """Schedules that are not stopped."""
        return self.filter(stopped_at=None)

    def chosen(self) -> Self:
        """Schedules that their person has not turned off."""
        return self.exclude(stop_reason=StopReason.TURNED_OFF)

    def stop(self, reason: StopReason, *, now: datetime) -> int:
        """Send no more reminders, and forget how many were answered."""
        return self.update(
            stopped_at=now,
            stop_reason=reason,
            next_due_at=None,
            visit_seen_at=None,
            unanswered=0,
            last_on=None,
        )

    def with_token(self, token: str) -> Self:
        """The schedule of a stop link, stopped or not; none if the token is malformed."""
        return self.filter(token=token) if TOKEN.fullmatch(token) else self.none()

    def due(self, now: datetime) -> Self:
        return self.filter(next_due_at__lte=now)

    def lock(self) -> Self:
        """Lock the rows, with their people joined.

        Notes and schedules are locked in one order, schedules first, or two transactions deadlock.
        """
        return self.select_related("person").select_for_update(of=("self",))

    def lock_skipping_locked(self) -> Self:
        """Lock the rows that no other transaction has locked, with their people joined."""
        return self.select_related("person").select_for_update(of=("self",), skip_locked=True)


class Schedule(models.Model):
    """A person's choice to get notes. Without a row, or with a stopped one, nothing is sent."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="reminder"
    )
    rhythm = models.CharField(max_length=10, choices=Rhythm.choices, default=Rhythm.GENTLE)
    hour = models.PositiveSmallIntegerField()
    # Is in every note, and stays the same when notes are turned off and on again: the link of the
    # oldest mail stops what is sent now. All it can do is turn notes off.
    token = models.CharField(max_length=22, unique=True, default=new_token, editable=False)
    # When notes were turned on at this hour. In the future while they are paused.
    chosen_at = models.DateTimeField()
    # The person's last visit as of the last decision.
    visit_seen_at = models.DateTimeField(null=True)
    # Notes since that visit.
    unanswered = models.PositiveSmallIntegerField(default=0)
    # The day, in their zone, of the last note, sent or skipped.
    last_on = models.DateField(null=True)
    # When to decide next: when the next note is due, or RECHECK_AFTER if that is earlier, because a
    # visit moves the next note. Null after the last note.
    next_due_at = models.DateTimeField(null=True)
    stopped_at = models.DateTimeField(null=True)
    stop_reason = models.CharField(
        max_length=20, choices=StopReason.choices, blank=True, default="", db_default=""
    )

    objects = ScheduleQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(hour__in=list(DAY_HOURS)), name="reminders_hour_is_in_the_day"
            ),
            models.CheckConstraint(
                condition=Q(rhythm__in=Rhythm.values), name="reminders_rhythm_is_known"
            ),
            models.CheckConstraint(
                condition=Q(unanswered__lte=len(GAPS)), name="reminders_fall_silent"
            ),
            models.CheckConstraint(
                condition=Q(stopped_at=None, stop_reason="")
                | Q(
                    stopped_at__isnull=False,
                    stop_reason__in=StopReason.values,
                    next_due_at=None,
                ),
                name="reminders_stopped_says_why",
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
    def is_finished(self) -> bool:
        """Whether the last note has been sent, which announces that no other follows."""
        return self.stopped_at is None and self.next_due_at is None

    @property
    def is_turned_off(self) -> bool:
        return self.stop_reason == StopReason.TURNED_OFF

    @property
    def has_no_address(self) -> bool:
        """Whether it is stopped because the person's address does not exist."""
        return self.stop_reason == StopReason.NO_SUCH_ADDRESS

    @property
    def hour_label(self) -> str:
        return str(HOUR_LABELS[self.hour])

    @property
    def slot(self) -> Slot:
        return Slot(self.person_id, self.hour, self.person.zone)

    def restart(self, *, hour: int, now: datetime) -> None:
        """Start the rhythm from `now`, at this hour."""
        self.hour = hour
        self.chosen_at = now
        self.visit_seen_at = self.person.last_visit_at
        self.unanswered = 0
        self.stopped_at, self.stop_reason = None, ""
        self.next_due_at = schedule.next_check_at(self.rhythm_state(), self.slot, now)
        self.save()

    def advance(self, *, recent: Collection[date], now: datetime) -> Decision:
        """Decide about the next note and update the fields in ADVANCED; the caller saves them.

        `recent` are the days of the last week that had a note.
        """
        if self.person.last_visit_at != self.visit_seen_at:
            self.visit_seen_at = self.person.last_visit_at
            self.unanswered = 0
        state = self.rhythm_state(recent)
        decision = schedule.decide(state, self.slot, now)
        if decision in (Decision.SEND, Decision.SKIP):
            self.last_on = now.astimezone(self.slot.zone).date()
        if decision is Decision.SEND:
            self.unanswered += 1
        state = replace(state, last_on=self.last_on, unanswered=self.unanswered)
        self.next_due_at = schedule.next_check_at(state, self.slot, now)
        return decision

    def rhythm_state(self, recent: Collection[date] = ()) -> RhythmState:
        active_at = max(self.chosen_at, self.visit_seen_at or self.chosen_at)
        return RhythmState(
            active_on=active_at.astimezone(self.slot.zone).date(),
            last_on=self.last_on,
            unanswered=self.unanswered,
            recent=recent,
        )

    def retry_at(self, *, now: datetime) -> datetime | None:
        """Return when to try the note of `last_on` again, or None if that would be too late."""
        at = schedule.next_due_at(self.slot, now)
        first_due_at = schedule.due_at(self.slot, self.last_on) if self.last_on else now
        return at if at - first_due_at <= schedule.MAX_DELAY else None

    def time_zone_changed(self, *, now: datetime) -> None:
        """Recompute when to decide next: the same rhythm and hour, on the new clock."""
        self.next_due_at = schedule.next_check_at(self.rhythm_state(), self.slot, now)
        self.save(update_fields=["next_due_at"])

    def uncount_last_note(self, *, now: datetime) -> None:
        """The last note did not arrive: plan it again."""
        self.unanswered = max(self.unanswered - 1, 0)
        self.next_due_at = schedule.next_check_at(self.rhythm_state(), self.slot, now)
        self.save(update_fields=["unanswered", "next_due_at"])


# The fields that `advance` changes.
ADVANCED = ["visit_seen_at", "unanswered", "last_on", "next_due_at"]
