"""What somebody is writing of an exercise, a question a page, before it is saved (ADR 32)."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.functional import cached_property

from accounts.models import User
from healing.exercise_forms import asked_questions
from healing.guide_types import Exercise, Field, Step
from healing.models import Answer, Draft, DraftContents
from vault.sealing import CannotOpen

# The number of the page that shows all answers, in `DraftContents.place`.
CHECK = 0


@dataclass(frozen=True)
class OnTheWay:
    """`answer` is the saved one that is being changed, `exercise` None if the guide has it no more.

    `contents` are those of the draft; without a draft they are empty.
    """

    step: Step
    key: str
    exercise: Exercise | None
    answer: Answer | None
    draft: Draft | None
    contents: DraftContents
    fields: dict[str, Any]

    @property
    def address(self) -> str:
        """The pages of the questions are below it."""
        if self.answer:
            return reverse("healing:answer", args=[self.step, self.key, self.answer.pk])
        return self.exercise_address

    @property
    def exercise_address(self) -> str:
        return reverse("healing:exercise", args=[self.step, self.key])

    @cached_property
    def asked(self) -> dict[int, Field]:
        return asked_questions(self.exercise, self.fields) if self.exercise else {}

    @property
    def has_seen_check(self) -> bool:
        return self.answer is not None or (self.draft is not None and self.contents.place == CHECK)

    def page(self, place: int) -> str:
        return f"{self.address}{place or 'check'}/"

    def following(self, number: int, fields: dict[str, Any]) -> int:
        """Where to go after a question, once the answers are these: a question or CHECK."""
        asked = asked_questions(self.exercise, fields) if self.exercise else {}
        later = [each for each in asked if each > number]
        if self.has_seen_check:
            # Only to a question that the choice just made has opened.
            later = [each for each in later if each not in self.asked]
        return later[0] if later else CHECK

    def before(self, number: int) -> int:
        """Where *Back* leads: a question or CHECK; the first question itself, if this is it."""
        if self.has_seen_check:
            return CHECK
        return max((each for each in self.asked if each < number), default=number)


def on_the_way(
    person: User, step: Step, key: str, answer_id: UUID | None, *, locks: bool
) -> OnTheWay:
    """Raises Http404 without such an answer, and CannotOpen.

    `locks`: two tabs may send two questions at once, and each adds to what the other has added.
    """
    answers, drafts = Answer.objects.of(person), Draft.objects.of(person)
    if locks:
        answers, drafts = answers.select_for_update(), drafts.select_for_update()
    answer: Answer | None = None
    if answer_id:
        answer = get_object_or_404(answers.for_exercise(step.number, key), pk=answer_id)
    draft: Draft | None = drafts.for_exercise(step.number, key).filter(answer=answer).first()
    contents = draft.open(person.key) if draft else DraftContents(fields={})
    saved = answer.open(person.key).fields if answer else {}
    fields = saved | contents.fields
    return OnTheWay(step, key, step.exercise(key), answer, draft, contents, fields)


@dataclass(frozen=True)
class GoOn:
    """The way back to a draft, and the one to delete it."""

    address: str
    discard: str
    is_change: bool
    # As in `DraftContents`: copies of these pages can leave the device.
    pages: tuple[str, ...] = ()


def latest_draft(person: User, step: Step, key: str) -> GoOn | None:
    """The one that was written last: of a new answer, or of one that is being changed."""
    drafts = Draft.objects.of(person).for_exercise(step.number, key)
    draft: Draft | None = drafts.order_by("-changed_at", "pk").first()
    if draft is None:
        return None
    ids = [draft.answer_id] if draft.answer_id else []
    address = reverse("healing:answer" if ids else "healing:exercise", args=[step, key, *ids])
    try:
        contents = draft.open(person.key)
    except CannotOpen:
        # That page says so.
        contents = DraftContents(fields={})
    page, pages = f"{address}{contents.place or 'check'}/", tuple(contents.pages.values())
    return GoOn(page, f"{address}discard/", bool(ids), pages)
