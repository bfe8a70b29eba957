from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import Q

from accounts.models import User
from journal.letter_kinds import KINDS, TO_THEM
from mail.quiet_hours import DAY_HOURS, to_utc
from vault.models import Sealed, SealedQuerySet

# How long a letter that was let go can be brought back.
BRING_BACK_FOR = timedelta(minutes=10)
# How long the ids of deleted letters are stored.
ENDED_IDS_STORED_FOR = timedelta(days=90)
# How many of them are stored a day for one person: as long as they are stored, these take less room
# than a person has. They name no owner, so they cannot be counted in the quota.
MAX_ENDED_A_DAY = 200
# How many earlier versions of a letter are stored, and how far apart in time.
MAX_REVISIONS = 20
# How many late versions of a letter may wait for a decision.
MAX_LATE_REVISIONS = 20
REVISION_INTERVAL = timedelta(minutes=3)
# Column values of a gone letter that leaves a line on the shelf: only its day remains, and no key
# opens it.
EMPTIED: dict[str, Any] = {
    "sealed": b"", "scheme": 0, "kind": "", "version": 1, "sitting": None, "turn": 0,
    "revised_at": None, "opens_on": None, "tell_hour": None, "tell_at": None, "let_go_from": "",
    "answers": None,
}  # fmt: skip


class InvalidTransition(Exception):
    """The state, date or version of a letter does not allow this change."""


@dataclass(frozen=True)
class Words:
    """The salutation and the body of a letter."""

    to: str
    body: str


@dataclass(frozen=True)
class EditSession:
    """An open page of the desk, and how often it has sent words."""

    id: UUID
    turn: int


@dataclass(frozen=True)
class LetterContents(Words):
    """The sealed part of a letter: its words, and the writer's answers when they finished."""

    # A key of forms.BODY_NOW, and a line of free text.
    body_now: str = ""
    next_hour: str = ""
    # A key of forms.ACCEPTANCE, and how that sentence goes on.
    acceptance: str = ""
    accepted: str = ""

    @property
    def words(self) -> Words:
        return Words(self.to, self.body)

    def with_words(self, words: Words) -> "LetterContents":
        return replace(self, to=words.to, body=words.body)


def _expired(now: datetime) -> Q:
    """Match letters that were let go too long ago to be brought back."""
    return Q(state=Letter.State.LET_GO, let_go_at__lte=now - BRING_BACK_FOR)


class LetterQuerySet(SealedQuerySet):
    def visible_to(self, person: User, now: datetime) -> "LetterQuerySet":
        """Return this person's letters, without those that are gone or expired."""
        return self.of(person).exclude(_expired(now) | Q(state=Letter.State.GONE))

    def lines_of(self, person: User, now: datetime) -> "LetterQuerySet":
        """Return the lines that gone or expired letters leave on this person's shelf."""
        is_gone = _expired(now) | Q(state=Letter.State.GONE)
        return self.of(person).filter(is_gone, leaves_line=True)

    def expired(self, now: datetime) -> "LetterQuerySet":
        """Return letters to empty or delete: let go too long ago to be brought back."""
        return self.filter(_expired(now))

    def ready_mail_pending(self) -> "LetterQuerySet":
        """Return sealed letters whose mail is still to be queued."""
        return self.filter(state=Letter.State.SEALED, tell_at__isnull=False)

    def draft_or_kept(self) -> "LetterQuerySet":
        """Return letters whose words may be read and searched: neither sealed nor let go."""
        return self.filter(state__in=DRAFT_OR_KEPT)

    def newest_first(self) -> "LetterQuerySet":
        return self.order_by("-changed_at", "pk")


class Letter(Sealed[LetterContents]):
    """A letter that is never sent: it has no address.

    A draft becomes kept, sealed until a day, or let go. Methods that change it raise
    InvalidTransition if its state does not allow the change; callers lock the row first. ADR 26.
    """

    class State(models.TextChoices):
        DRAFT = "draft"
        KEPT = "kept"
        SEALED = "sealed"
        # It can be brought back for BRING_BACK_FOR.
        LET_GO = "let_go"
        # Only its day is left, as a line on the shelf.
        GONE = "gone"

    contents_class = LetterContents
    purpose = "journal.letter"

    kind = models.CharField(max_length=10, default=TO_THEM.key)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    # Counts changes of its words. Two pages may edit one letter: each names the version it began
    # from, so that neither overwrites the other (ADR 25).
    version = models.PositiveIntegerField(default=1)
    # The EditSession that saved its words. A page whose response was lost names an old version;
    # its next words still follow its own.
    sitting = models.UUIDField(null=True)
    turn = models.PositiveIntegerField(default=0)
    revised_at = models.DateTimeField(null=True)
    # Local day in the owner's time zone, and the local hour of the mail about it.
    opens_on = models.DateField(null=True)
    tell_hour = models.PositiveSmallIntegerField(null=True)
    # When to queue that mail; null once it is queued, or if none is wanted.
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
    def stored_id(cls, person: User, page_id: UUID) -> UUID:
        """Return the id of the letter that is begun on the page with this id.

        Nobody else's page leads to it, so the answer to a page is the same whatever letters others
        have. Raises CannotOpen if the person's key cannot be opened.
        """
        return person.key.derive_id(cls.purpose, page_id)

    @classmethod
    def new_draft(
        cls,
        *,
        person: User,
        id: UUID,
        kind: str,
        words: Words,
        edit_session: EditSession | None,
        answers_id: UUID | None,
        now: datetime,
    ) -> "Letter":
        """Return an unsaved draft. Raises CannotOpen if the person's key cannot be opened."""
        contents = LetterContents(words.to, words.body)
        letter = cls.sealed_by(
            person.key, contents, id=id, kind=kind, answers_id=answers_id, now=now
        )
        letter._set_edit_session(edit_session)
        return letter

    @property
    def is_draft(self) -> bool:
        return self.state == self.State.DRAFT

    @property
    def is_sealed(self) -> bool:
        return self.state == self.State.SEALED

    @property
    def is_let_go(self) -> bool:
        return self.state == self.State.LET_GO

    @property
    def is_draft_or_kept(self) -> bool:
        return self.state in DRAFT_OR_KEPT

    @property
    def bring_back_until(self) -> datetime | None:
        return self.let_go_at and self.let_go_at + BRING_BACK_FOR

    def is_visible(self, now: datetime) -> bool:
        """Whether its writer can still read it: what `visible_to` asks the database."""
        is_expired = self.is_let_go and self.bring_back_until and self.bring_back_until <= now
        return self.state != self.State.GONE and not is_expired

    def is_ready(self, today: date) -> bool:
        """Whether it is sealed and its day has come. `today` is the owner's local date."""
        return self.is_sealed and self.opens_on is not None and self.opens_on <= today

    def late_revision_id(self) -> UUID | None:
        """Return the newest late revision, which the writer has not decided about yet."""
        rows = Revision.objects.of(self.owner_id).filter(letter=self).late().newest_first()
        id: UUID | None = rows.values_list("pk", flat=True).first()
        return id

    def update_contents(
        self,
        person: User,
        contents: LetterContents,
        *,
        edit_session: EditSession | None = None,
        now: datetime,
    ) -> None:
        """Replace the contents of a draft and save it as its next version."""
        self._require_state(self.State.DRAFT)
        self.seal(person.key, contents, now=now)
        self.version += 1
        self._set_edit_session(edit_session)
        self.save(update_fields=CONTENTS_FIELDS)

    def save_closing_answers(self, person: User, *, now: datetime, **answers: str) -> None:
        """Save what the writer answers when they finish a draft. Its state and words stay."""
        self._require_state(self.State.DRAFT)
        before = self.open(person.key)
        after = replace(before, **answers)
        if after != before:
            self.reseal(person.key, after, now=now)

    def keep(self, *, now: datetime) -> None:
        self._require_state(self.State.DRAFT)
        self._change_state(self.State.KEPT, now)

    def write_on(self, *, now: datetime) -> None:
        """Make a kept letter a draft again."""
        self._require_state(self.State.KEPT)
        self._change_state(self.State.DRAFT, now)

    def seal_until(self, day: date, *, tell_hour: int | None, person: User, now: datetime) -> None:
        """Seal it until a local day. With `tell_hour`, a mail is sent at that hour of the day."""
        today = now.astimezone(person.zone).date()
        if day <= today or (self.is_sealed and not self.is_ready(today)):
            raise InvalidTransition
        self._require_state(self.State.DRAFT, self.State.KEPT, self.State.SEALED)
        self.opens_on, self.tell_hour = day, tell_hour
        self.tell_at = self.ready_mail_due_at(person.zone)
        self._change_state(self.State.SEALED, now)

    def ready_mail_due_at(self, zone: ZoneInfo) -> datetime | None:
        """Return when to mail that its day has come, in this zone; None if no mail is wanted."""
        if self.opens_on is None or self.tell_hour is None:
            return None
        return to_utc(self.opens_on, time(self.tell_hour), zone)

    def unseal(self, *, now: datetime) -> None:
        """Make it a kept letter, on its day or earlier."""
        self._require_state(self.State.SEALED)
        self.opens_on = self.tell_hour = self.tell_at = None
        self._change_state(self.State.KEPT, now)

    def let_go(self, *, leaves_line: bool, now: datetime) -> None:
        self._require_state(self.State.DRAFT, self.State.KEPT, self.State.SEALED)
        self.let_go_at, self.let_go_from, self.leaves_line = now, self.state, leaves_line
        self._change_state(self.State.LET_GO, now)

    def bring_back(self, *, now: datetime) -> None:
        """Restore the state from which it was let go. Raises InvalidTransition if expired."""
        self._require_state(self.State.LET_GO)
        if self.let_go_at is None or now - self.let_go_at >= BRING_BACK_FOR:
            raise InvalidTransition
        before, self.let_go_at, self.let_go_from = self.let_go_from, None, ""
        self.leaves_line = False
        self._change_state(before, now)

    def _set_edit_session(self, edit_session: EditSession | None) -> None:
        self.sitting = edit_session.id if edit_session else None
        self.turn = edit_session.turn if edit_session else 0

    def _require_state(self, *states: str) -> None:
        if self.state not in states:
            raise InvalidTransition

    def _change_state(self, state: str, now: datetime) -> None:
        self.state, self.changed_at = state, now
        self.save(update_fields=STATE_FIELDS)


DRAFT_OR_KEPT = [Letter.State.DRAFT, Letter.State.KEPT]
# What `update_contents` writes, and what a change of state writes: never the words.
CONTENTS_FIELDS = ["sealed", "scheme", "changed_at", "version", "sitting", "turn", "revised_at"]
STATE_FIELDS = [
    "state", "changed_at", "opens_on", "tell_hour", "tell_at", "let_go_at", "let_go_from",
    "leaves_line",
]  # fmt: skip


class Ended(models.Model):
    """That a letter was deleted. A device may still have unsent words of it: they must not create
    it again.

    The id is derived from the letter's by its owner's key: nobody else can tell whose it was, or
    whether there was a letter with some id.
    """

    id = models.UUIDField(primary_key=True)
    ended_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return str(self.pk)

    @staticmethod
    def id_of(person: User, letter_id: UUID) -> UUID:
        """Raises CannotOpen if the person's key cannot be opened."""
        return person.key.derive_id("journal.ended", letter_id)


class RevisionQuerySet(SealedQuerySet):
    def late(self) -> "RevisionQuerySet":
        """Return words that arrived after another page's, and wait for the writer's decision."""
        return self.filter(is_late=True)

    def newest_first(self) -> "RevisionQuerySet":
        return self.order_by("-created_at", "pk")


class Revision(Sealed[Words]):
    """Other words of a letter: an earlier version, or late ones from another page."""

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
    def add(
        cls, person: User, letter: Letter, words: Words, *, late: bool = False, now: datetime
    ) -> "Revision":
        """Save a revision and delete the earlier versions beyond MAX_REVISIONS."""
        row = cls.sealed_by(person.key, words, letter=letter, is_late=late, now=now)
        row.save(force_insert=True)
        # The clock may have been set back: exclude this row, or it could count as the oldest.
        others = cls.objects.of(person).filter(letter=letter, is_late=False).exclude(pk=row.pk)
        room = MAX_REVISIONS - (not late)
        cls.objects.filter(pk__in=others.newest_first().values("pk")[room:]).delete()
        return row

    def mark_decided(self) -> None:
        """Make late words an earlier version like any other."""
        self.is_late = False
        self.save(update_fields=["is_late"])


@dataclass(frozen=True)
class OpeningContents:
    text: str


class Opening(Sealed[OpeningContents]):
    """A person's own first line for one kind of letter."""

    contents_class = OpeningContents
    purpose = "journal.opening"
    kind = models.CharField(max_length=10)

    objects = SealedQuerySet.as_manager()

    class Meta:
        indexes = (models.Index(fields=["owner", "kind"], name="opening_by_kind"),)
        constraints = (
            models.CheckConstraint(condition=Q(kind__in=list(KINDS)), name="opening_has_a_kind"),
        )
