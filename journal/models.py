from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import Q

from accounts.models import User
from journal.letter_kinds import KINDS, TO_THEM
from mail.quiet_hours import DAY_HOURS, to_utc
from vault.models import Sealed, SealedQuerySet

# A letter that was let go can be brought back for so long.
ON_THE_WATER = timedelta(minutes=10)
# For so long it is known that there was a letter of some id.
REMEMBERED = timedelta(days=90)
# So many earlier versions of a draft are kept, each so much younger than the one before.
REVISIONS = 20
REVISION_GRAIN = timedelta(minutes=3)
# What is left of a letter that was let go with a line in its place: a day. It opens with no key.
EMPTIED: dict[str, Any] = {
    "sealed": b"", "scheme": 0, "kind": "", "version": 1, "sitting": None, "turn": 0,
    "revised_at": None, "opens_on": None, "tell_hour": None, "tell_at": None, "let_go_from": "",
    "answers": None,
}  # fmt: skip


class NotNow(Exception):
    """This cannot be done with a letter that stands as this one does."""


@dataclass(frozen=True)
class Words:
    """Whom a letter speaks to, in the writer's own words, and what it says."""

    to: str
    body: str


@dataclass(frozen=True)
class EditSession:
    """One page of the desk as long as it stands open, and how often it has sent words."""

    id: UUID
    turn: int


@dataclass(frozen=True)
class LetterContents(Words):
    """A letter, and what its writer said of themselves when they put the pen down."""

    # How their body was, and one thing for the hour after.
    body_now: str = ""
    next_hour: str = ""

    @property
    def words(self) -> Words:
        return Words(self.to, self.body)

    def saying(self, words: Words) -> "LetterContents":
        """The same, with other words on the paper."""
        return replace(self, to=words.to, body=words.body)


def still_afloat(now: datetime) -> datetime:
    """Letters that were let go after this moment can be brought back."""
    return now - ON_THE_WATER


class LetterQuerySet(SealedQuerySet):
    def there(self, afloat: datetime) -> "LetterQuerySet":
        """Without those that were let go so long ago that nothing brings them back; `afloat` as
        still_afloat tells."""
        over = Q(state=Letter.State.LET_GO, let_go_at__lte=afloat)
        return self.exclude(over | Q(state=Letter.State.GONE))

    def seen(self, afloat: datetime) -> "LetterQuerySet":
        """As they stand on the shelf, `afloat` as still_afloat tells: a letter that is gone may
        have left a line."""
        return self.exclude(state=Letter.State.LET_GO, let_go_at__lte=afloat, leaves_line=False)

    def untold(self) -> "LetterQuerySet":
        """Sealed, with a mail still to be written when their day comes."""
        return self.filter(state=Letter.State.SEALED, tell_at__isnull=False)

    def over(self, now: datetime) -> "LetterQuerySet":
        """Let go, and nothing brings them back."""
        return self.filter(state=Letter.State.LET_GO, let_go_at__lte=still_afloat(now))

    def open_to_change(self) -> "LetterQuerySet":
        """What may be read and changed as it lies there."""
        return self.filter(state__in=OPEN)

    def newest_first(self) -> "LetterQuerySet":
        return self.order_by("-changed_at", "pk")

    def unopened(self) -> "LetterQuerySet":
        """Newest first, without their words."""
        return self.newest_first().defer("sealed")


class Letter(Sealed[LetterContents]):
    """A letter that is never sent: there is no address in it and no way out of it.

    Its life: a draft; then kept, sealed until a day, or let go. What may follow what is told by the
    methods; each raises NotNow where it may not. Whoever calls them holds the row.
    """

    class State(models.TextChoices):
        DRAFT = "draft"
        KEPT = "kept"
        SEALED = "sealed"
        # On the water: it can be brought back for a while.
        LET_GO = "let_go"
        # Nothing is left of it but a day.
        GONE = "gone"

    contents_class = LetterContents
    purpose = "journal.letter"

    kind = models.CharField(max_length=10, default=TO_THEM.key)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    # Of its words: whoever changes them says which ones they had before them.
    version = models.PositiveIntegerField(default=1)
    # The page that sent them, and its turn: what it sends on follows them.
    sitting = models.UUIDField(null=True)
    turn = models.PositiveIntegerField(default=0)
    revised_at = models.DateTimeField(null=True)
    # A day in their zone, and the hour of that day at which a mail is to say so.
    opens_on = models.DateField(null=True)
    tell_hour = models.PositiveSmallIntegerField(null=True)
    # When to write that mail; null once that is done.
    tell_at = models.DateTimeField(null=True)
    let_go_at = models.DateTimeField(null=True)
    let_go_from = models.CharField(max_length=10, blank=True)
    leaves_line = models.BooleanField(default=False)
    answers = models.ForeignKey(
        "self", models.SET_NULL, null=True, related_name="+", db_index=False
    )

    objects = LetterQuerySet.as_manager()

    class Meta:
        indexes = (
            models.Index(fields=["owner", "-changed_at"], name="letter_by_change"),
            models.Index(
                fields=["tell_at"], condition=Q(tell_at__isnull=False), name="letter_to_tell_of"
            ),
            models.Index(
                fields=["let_go_at"], condition=Q(state="let_go"), name="letter_on_the_water"
            ),
            models.Index(
                fields=["answers"], condition=Q(answers__isnull=False), name="letter_answered"
            ),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(kind__in=[*KINDS, ""]), name="letter_is_of_a_known_kind"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "kept", "sealed", "let_go", "gone"]),
                name="letter_is_in_a_known_state",
            ),
            models.CheckConstraint(
                condition=~Q(state="sealed") | Q(opens_on__isnull=False),
                name="letter_sealed_has_its_day",
            ),
            models.CheckConstraint(
                condition=~Q(state="let_go") | Q(let_go_at__isnull=False),
                name="letter_let_go_says_when",
            ),
            models.CheckConstraint(
                condition=~Q(state="gone") | Q(sealed=b""), name="letter_gone_has_no_words"
            ),
            models.CheckConstraint(
                condition=Q(tell_hour=None) | Q(tell_hour__in=list(DAY_HOURS)),
                name="letter_is_told_of_by_day",
            ),
        )

    @classmethod
    def begun(
        cls,
        *,
        person: User,
        id: UUID,
        kind: str,
        words: Words,
        sitting: EditSession | None = None,
        now: datetime,
        **plain: Any,
    ) -> "Letter":
        """A new draft, not yet stored. Raises CannotOpen."""
        contents = LetterContents(words.to, words.body)
        if sitting is not None:
            plain |= {"sitting": sitting.id, "turn": sitting.turn}
        return cls.sealed_by(person.key, contents, id=id, kind=kind, now=now, **plain)

    @property
    def is_draft(self) -> bool:
        return self.state == self.State.DRAFT

    @property
    def is_open(self) -> bool:
        """What may be read and changed as it lies there."""
        return self.state in OPEN

    @property
    def is_on_the_water(self) -> bool:
        return self.state == self.State.LET_GO

    @property
    def afloat_until(self) -> datetime | None:
        """Until then a letter that was let go can be brought back."""
        return self.let_go_at and self.let_go_at + ON_THE_WATER

    def is_ready(self, today: date) -> bool:
        """Sealed, and its day (in their zone) has come."""
        return self.is_sealed and self.opens_on is not None and self.opens_on <= today

    @property
    def is_sealed(self) -> bool:
        return self.state == self.State.SEALED

    def undecided(self) -> UUID | None:
        """The newest words that came late to it and that nobody has decided about."""
        rows = Revision.objects.of(self.owner_id).filter(letter=self).late().newest_first()
        id: UUID | None = rows.values_list("pk", flat=True).first()
        return id

    def put(
        self,
        person: User,
        contents: LetterContents,
        *,
        sitting: EditSession | None = None,
        now: datetime,
    ) -> None:
        """Put other contents into a draft."""
        self._require(self.State.DRAFT)
        self.seal(person.key, contents, now=now)
        self.version += 1
        self.sitting, self.turn = (sitting.id, sitting.turn) if sitting else (None, 0)
        self.save(update_fields=WORDS)

    def close(self, person: User, *, body_now: str, next_hour: str, now: datetime) -> None:
        """The pen is down. What becomes of the letter is decided next; its words stay."""
        self._require(self.State.DRAFT)
        before: LetterContents = self.open(person.key)
        after = replace(before, body_now=body_now, next_hour=next_hour)
        if after != before:
            self.reseal(person.key, after, now=now)

    def keep(self, *, now: datetime) -> None:
        self._require(self.State.DRAFT)
        self._become(self.State.KEPT, now)

    def write_on(self, *, now: datetime) -> None:
        """Back to the desk."""
        self._require(self.State.KEPT)
        self._become(self.State.DRAFT, now)

    def seal_until(self, day: date, *, tell_hour: int | None, person: User, now: datetime) -> None:
        """Closed until this day of theirs. With an hour, a mail of that hour says that it came."""
        today = now.astimezone(person.zone).date()
        if day <= today or (self.is_sealed and not self.is_ready(today)):
            raise NotNow
        self._require(self.State.DRAFT, self.State.KEPT, self.State.SEALED)
        self.opens_on, self.tell_hour = day, tell_hour
        self.tell_at = self.tells_at(person.zone)
        self._become(self.State.SEALED, now)

    def tells_at(self, zone: ZoneInfo) -> datetime | None:
        """When to say that its day has come, on a clock in this zone; None where not at all."""
        if self.opens_on is None or self.tell_hour is None:
            return None
        return to_utc(self.opens_on, time(self.tell_hour), zone)

    def unseal(self, *, now: datetime) -> None:
        """Open it, on its day or before."""
        self._require(self.State.SEALED)
        self.opens_on = self.tell_hour = self.tell_at = None
        self._become(self.State.KEPT, now)

    def let_go(self, *, leaves_line: bool, now: datetime) -> None:
        self._require(self.State.DRAFT, self.State.KEPT, self.State.SEALED)
        self.let_go_at, self.let_go_from, self.leaves_line = now, self.state, leaves_line
        self._become(self.State.LET_GO, now)

    def bring_back(self, *, now: datetime) -> None:
        """As it was before it was let go. Raises NotNow when its time on the water is over."""
        self._require(self.State.LET_GO)
        if self.let_go_at is None or now - self.let_go_at >= ON_THE_WATER:
            raise NotNow
        before, self.let_go_at, self.let_go_from = self.let_go_from, None, ""
        self.leaves_line = False
        self._become(before, now)

    def _require(self, *states: str) -> None:
        if self.state not in states:
            raise NotNow

    def _become(self, state: str, now: datetime) -> None:
        self.state, self.changed_at = state, now
        self.save(update_fields=LIFE)


OPEN = [Letter.State.DRAFT, Letter.State.KEPT]
# What changes with the words of a letter.
WORDS = ["sealed", "scheme", "changed_at", "version", "sitting", "turn", "revised_at"]
# What changes when a letter goes from one state to another. Never its words.
LIFE = [
    "state", "changed_at", "opens_on", "tell_hour", "tell_at", "let_go_at", "let_go_from",
    "leaves_line",
]  # fmt: skip


class Ended(models.Model):
    """The id of a letter that is gone, and nothing on whose it was: what waits of it on a device
    does not begin it anew."""

    id = models.UUIDField(primary_key=True)
    ended_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return str(self.pk)


class RevisionQuerySet(SealedQuerySet):
    def late(self) -> "RevisionQuerySet":
        """Words that came when others stood there already, and that nobody has decided about."""
        return self.filter(is_late=True)

    def newest_first(self) -> "RevisionQuerySet":
        return self.order_by("-created_at", "pk")


class Revision(Sealed[Words]):
    """Words as they stood in a draft before, or as another device had them."""

    contents_class = Words
    purpose = "journal.revision"
    letter = models.ForeignKey(Letter, models.CASCADE, related_name="revisions")
    is_late = models.BooleanField(default=False)

    objects: ClassVar[Any] = RevisionQuerySet.as_manager()

    class Meta:
        indexes = (
            models.Index(fields=["owner", "letter", "-created_at"], name="revision_by_letter"),
        )

    @classmethod
    def keep(
        cls, person: User, letter: Letter, words: Words, *, late: bool = False, now: datetime
    ) -> "Revision":
        """Beside the others of this letter, of which the oldest make room."""
        row = cls.sealed_by(person.key, words, letter=letter, is_late=late, now=now)
        row.save(force_insert=True)
        # Not by the clock alone, which may have been set back since.
        others = cls.objects.of(person).filter(letter=letter, is_late=False).exclude(pk=row.pk)
        room = REVISIONS - (not late)
        cls.objects.filter(pk__in=others.newest_first().values("pk")[room:]).delete()
        return row

    def settle(self) -> None:
        """Somebody has decided about these words."""
        self.is_late = False
        self.save(update_fields=["is_late"])


@dataclass(frozen=True)
class OpeningContents:
    text: str


class Opening(Sealed[OpeningContents]):
    """A first line of somebody's own, kept beside a kind of letter."""

    contents_class = OpeningContents
    purpose = "journal.opening"
    kind = models.CharField(max_length=10)

    objects = SealedQuerySet.as_manager()

    class Meta:
        indexes = (models.Index(fields=["owner", "kind"], name="opening_by_kind"),)
        constraints = (
            models.CheckConstraint(condition=Q(kind__in=list(KINDS)), name="opening_has_a_kind"),
        )


def beside(id: UUID, why: str) -> UUID:
    """The id of the letter that takes up words which found no place in this one: the same each
    time, so that words sent twice make one letter."""
    return uuid5(id, why)
