from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import F, Q

from accounts.models import User
from mail.quiet_hours import to_utc
from vault.models import Sealed, SealedQuerySet

# As many as in a letter, which the words can become.
MAX_CHARACTERS = 100_000
# How long a pause can be chosen to be, in minutes; the first one unless another is chosen.
MINUTES = [10, 20, 30]
TEN_MINUTES = timedelta(minutes=10)
# For how long after its end a pause asks how it is. Later, the page begins with an empty field.
ASKS_FOR = timedelta(hours=6)
# How long after its end a pause is deleted, with its words.
STORED_FOR = timedelta(days=30)
# Words are shown again from this hour of the next day on, and not in the middle of the night.
MORNING = time(5)


def start_of_today(zone: ZoneInfo, now: datetime) -> datetime:
    """Return when the present day began in this zone. Before MORNING it is still the day before."""
    local = now.astimezone(zone)
    today = local.date() - timedelta(days=local.time() < MORNING)
    return to_utc(today, time.min, zone)


@dataclass(frozen=True)
class PauseContents:
    """What was written instead of sent, what set it off, and what was said at the end.

    `outcome` is a key of OUTCOMES, `how_now` one of forms.HOW_NOW. `pages` are the ids of the pages
    that sent words: their copies on the device can go.
    """

    words: str = ""
    trigger: str = ""
    outcome: str = ""
    how_now: str = ""
    now_words: str = ""
    pages: list[str] = field(default_factory=list)


class PauseQuerySet(SealedQuerySet):
    def current(self, now: datetime) -> Self:
        """Return the pause that runs or asks how it is: one a person at most."""
        return self.filter(is_open=True, ends_at__gt=now - ASKS_FOR)

    def with_words_to_decide(self, zone: ZoneInfo, now: datetime) -> Self:
        """Return pauses of earlier days whose words nobody has decided about, oldest first."""
        earlier = self.filter(created_at__lt=start_of_today(zone, now), ends_at__lte=now)
        return earlier.filter(is_undecided=True).order_by("created_at", "pk")

    def to_delete(self, now: datetime) -> Self:
        return self.filter(ends_at__lte=now - STORED_FOR)


class Pause(Sealed[PauseContents]):
    """A hard moment: a message that waits here instead of being sent (ADR 34)."""

    contents_class = PauseContents
    purpose = "pause.pause"

    # Since when the wave runs, and when it ends: `created_at` is older if ten minutes were added.
    began_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    # Until its writer says how it ended. Nobody has two.
    is_open = models.BooleanField(default=True)
    # Whether to ask, from the next day on, what is to become of the words.
    is_undecided = models.BooleanField()

    objects = PauseQuerySet.as_manager()

    class Meta:
        indexes = (
            models.Index(fields=["owner", "created_at"], name="pause_of_a_person"),
            models.Index(fields=["ends_at"], name="pause_by_end"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["owner"], condition=Q(is_open=True), name="one_open_pause_per_person"
            ),
            models.CheckConstraint(
                condition=Q(ends_at__gte=F("began_at")), name="pause_ends_after_it_began"
            ),
        )

    def is_running(self, now: datetime) -> bool:
        return self.is_open and now < self.ends_at

    def is_current(self, now: datetime) -> bool:
        """Whether it runs or asks how it is: what `current` asks the database."""
        return self.is_open and now < self.ends_at + ASKS_FOR

    @property
    def deleted_at(self) -> datetime:
        return self.ends_at + STORED_FOR

    def progress(self, now: datetime) -> float:
        """Return how much of it has passed: 0 at its beginning, 1 from its end on."""
        whole = self.ends_at - self.began_at
        return min(max((now - self.began_at) / whole, 0.0), 1.0) if whole else 1.0

    def shows_words(self, person: User, now: datetime) -> bool:
        """Whether the next day has come, on which its words may be seen again."""
        is_over = not self.is_running(now)
        return is_over and self.created_at < start_of_today(person.zone, now)

    def add_ten_minutes(self, *, until: int, now: datetime) -> None:
        """Lengthen it, or begin the wave again if it is over.

        `until` is the end that the page showed, in Unix seconds: a second tap changes nothing.
        """
        if not self.is_open or until != int(self.ends_at.timestamp()):
            return
        if now < self.ends_at:
            self.ends_at += TEN_MINUTES
        else:
            self.began_at, self.ends_at = now, now + TEN_MINUTES
        self.save(update_fields=["began_at", "ends_at"])

    def close(self, *, now: datetime) -> None:
        """End it. A page may be left open for days: then it ended when its time was over."""
        self.is_open = False
        self.ends_at = max(self.began_at, min(self.ends_at, now))
        self.save(update_fields=["is_open", "ends_at"])

    def decide(self) -> None:
        """Ask no more about its words: they stay until they are deleted with it."""
        self.is_undecided = False
        self.save(update_fields=["is_undecided"])
