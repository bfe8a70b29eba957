from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from healing.guide_types import STEPS
from vault.models import Sealed, SealedQuerySet


@dataclass(frozen=True)
class AnswerContents:
    """Field name → what was entered, in the shapes of `healing.field_kinds`.

    `followed_up` is the key of what was said when the answer was asked about, and `followed_up_on`
    the day, in ISO form.
    """

    fields: dict[str, Any]
    followed_up: str = ""
    followed_up_on: str = ""


class OfExercisesQuerySet(SealedQuerySet):
    def for_exercise(self, step: int, exercise: str) -> Self:
        return self.filter(step=step, exercise=exercise)


class AnswerQuerySet(OfExercisesQuerySet):
    def newest_first(self) -> "AnswerQuerySet":
        return self.order_by("-created_at", "pk")

    def ask_only_newest(self) -> None:
        """Of the answers to one exercise, only the newest is asked again."""
        newest = self.newest_first().values("pk")[:1]
        self.filter(asks_at__isnull=False).exclude(pk__in=newest).update(asks_at=None)

    def ask_newest(self, at: datetime) -> None:
        newest = self.newest_first().values("pk")[:1]
        self.filter(pk__in=newest).update(asks_at=at)

    def gathered(self, exercises: Iterable[str]) -> "AnswerQuerySet":
        return self.filter(exercise__in=list(exercises))

    def to_ask_about(self, now: datetime) -> "AnswerQuerySet":
        """The longest due first."""
        return self.filter(asks_at__lte=now).order_by("asks_at", "pk")


class Answer(Sealed[AnswerContents]):
    """One answer to one exercise; `version` is that of the exercise's wording then."""

    contents_class = AnswerContents
    purpose = "healing.answer"
    page_fields = ("step", "exercise")

    step = models.PositiveSmallIntegerField()
    exercise = models.CharField(max_length=40)
    version = models.CharField(max_length=16)
    # When this answer is asked about, or its questions are asked again.
    asks_at = models.DateTimeField(null=True)

    objects = AnswerQuerySet.as_manager()

    class Meta:
        indexes = (
            models.Index(
                fields=["owner", "step", "exercise", "-created_at"], name="answer_by_exercise"
            ),
            # Nearly all answers ask nothing: Today looks at the few that do.
            models.Index(
                fields=["owner", "asks_at"],
                name="answer_that_asks",
                condition=models.Q(asks_at__isnull=False),
            ),
        )
        constraints = (
            models.CheckConstraint(
                condition=models.Q(step__in=list(STEPS)), name="answer_belongs_to_a_step"
            ),
        )


@dataclass(frozen=True)
class DraftContents:
    """What somebody has written of an exercise, a question a page. `fields` as in `AnswerContents`.

    `place` is the number of the question to go on with, 0 for the page that shows them all. `pages`
    has the id that each question was last sent with: that copy on the device can go.
    """

    fields: dict[str, Any]
    place: int = 0
    pages: dict[str, str] = field(default_factory=dict)


class Draft(Sealed[DraftContents]):
    """An answer on its way, until it is saved or deleted; `answer` is the one that it changes."""

    contents_class = DraftContents
    purpose = "healing.draft"

    step = models.PositiveSmallIntegerField()
    exercise = models.CharField(max_length=40)
    answer = models.OneToOneField(Answer, models.CASCADE, null=True, related_name="+")

    objects = OfExercisesQuerySet.as_manager()

    class Meta:
        indexes = (models.Index(fields=["owner", "step", "exercise"], name="draft_by_exercise"),)
        constraints = (
            models.UniqueConstraint(
                fields=["owner", "step", "exercise"],
                condition=models.Q(answer=None),
                name="one_draft_of_a_new_answer",
            ),
            models.CheckConstraint(
                condition=models.Q(step__in=list(STEPS)), name="draft_belongs_to_a_step"
            ),
        )


class StepMarkQuerySet(models.QuerySet["StepMark"]):
    def of(self, owner: User) -> "StepMarkQuerySet":
        return self.filter(owner=owner)


class StepMark(models.Model):
    """What someone decided about a step. Whether it is begun is derived from its answers."""

    class State(models.TextChoices):
        SETTLED = "settled", _("Done for now")
        ASIDE = "aside", _("Skipped")

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    step = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=10, choices=State.choices)
    marked_at = models.DateTimeField()

    objects = StepMarkQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["owner", "step"], name="one_mark_per_step"),
            models.CheckConstraint(
                condition=models.Q(step__in=list(STEPS)), name="mark_belongs_to_a_step"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["settled", "aside"]), name="mark_is_a_known_state"
            ),
        )

    def __str__(self) -> str:
        return f"mark {self.pk} on step {self.step}"
