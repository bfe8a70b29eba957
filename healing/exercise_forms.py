"""Build a form from an exercise's data (ADR 8)."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.forms.boundfield import BoundField
from django.utils.translation import gettext as _

from accounts.returned_forms import not_writing
from healing.field_kinds import KINDS, form_field
from healing.guide_types import Exercise, Field

# Further empty rows are folded away, so that a form does not look like a task.
OPEN_ROWS = 2
# Hidden fields of a page. No field of the guide has a name with a hyphen and no number.
SHOWN, DEVICE_COPY, GUIDE_VERSION = "saved-state", "device-copy", "guide-version"


@dataclass(frozen=True)
class Row:
    number: int
    fields: list[BoundField]


@dataclass(frozen=True)
class Part:
    """One question as the page shows it. Most questions have a single row."""

    question: Field
    rows: list[Row]

    @property
    def fields(self) -> list[BoundField]:
        return [field for row in self.rows for field in row.fields]

    @property
    def open_rows(self) -> list[Row]:
        return self.rows[: self._open_count]

    @property
    def more_rows(self) -> list[Row]:
        return self.rows[self._open_count :]

    @property
    def _open_count(self) -> int:
        """Rows with something in them are always open."""
        filled = [
            row.number
            for row in self.rows
            if any(field.value() or field.errors for field in row.fields)
        ]
        return max([OPEN_ROWS, *filled])


@not_writing()
class ExerciseForm(forms.Form):
    """The fields of one exercise. Once it is valid, `answer` holds what was written."""

    # One filled field is enough, so no single label says “optional”.
    all_optional = True
    has_more = False
    # What is saved now, if that is newer than the page: a `DisplayedAnswer`.
    newer: Any = None

    def __init__(
        self, exercise: Exercise, data: Any = None, *, answer: dict[str, Any] | None = None
    ) -> None:
        self.exercise = exercise
        super().__init__(data, initial=_initial(exercise, answer or {}))
        self.questions = _questions(exercise, (answer or {}) if data is None else data)
        for question in self.questions:
            required = question.name in exercise.sentence_fields and not question.optional
            for slot in KINDS[question.kind].slots(question):
                self.fields[slot.name] = form_field(slot.question, required=required)

    @property
    def language_of_labels(self) -> str:
        """That of the file in the guide."""
        return self.exercise.language

    def parts(self) -> Iterator[Part]:
        for question in self.questions:
            slots = KINDS[question.kind].slots(question)
            rows = [
                Row(number + 1, [self[slot.name] for slot in row])
                for number, row in groupby(slots, key=lambda slot: slot.row)
            ]
            yield Part(question, rows)

    def clean(self) -> dict[str, Any]:
        if not (self.errors or self.has_more or any(self.answer.values())):
            raise ValidationError(_("There is nothing here to save yet. One word is enough."))
        return self.cleaned_data

    @classmethod
    def of_answer(cls, exercise: Exercise, answer: dict[str, Any]) -> "ExerciseForm":
        """The form as if this answer had been entered in it at once."""
        kinds = {each.name: each for each in exercise.fields}
        fitting = {
            name: value
            for name, value in answer.items()
            if name in kinds and KINDS[kinds[name].kind].fits(kinds[name], value)
        }
        form = cls(exercise, _initial(exercise, fitting))
        # What no question shows any more is saved as well.
        form.has_more = any(value for name, value in answer.items() if name not in fitting)
        return form

    @property
    def sentences_json(self) -> str:
        """The sentences with their blanks, for the script that fills them while somebody types."""
        return json.dumps(self.exercise.makes)

    @property
    def answer(self) -> dict[str, Any]:
        """What was entered, by the names of the questions, in the shapes of `field_kinds`."""
        return {
            question.name: KINDS[question.kind].value(question, self.cleaned_data)
            for question in self.questions
        }

    @property
    def is_of_another_version(self) -> bool:
        """Whether the guide has changed since the page that sent this was opened."""
        posted: str = self.data.get(GUIDE_VERSION, self.exercise.version)
        return posted != self.exercise.version

    def can_show(self, name: str, value: str) -> bool:
        """Whether a posted value has a place in this form: in another version its question may be
        gone, or ask for a day, a time or a choice."""
        field = self.fields.get(name)
        if field is None:
            return False
        if isinstance(field, forms.ChoiceField):
            return field.valid_value(value)
        try:
            field.to_python(value)
        except ValidationError:
            return False
        return True

    @property
    def asks_more(self) -> bool:
        """Whether a choice has opened a question that the page did not have yet."""
        conditional = {question.name for question in self.questions if question.only_if}
        return self.is_bound and not conditional.issubset(self.data)


@not_writing("which-question", "go-to")
class QuestionForm(ExerciseForm):
    """One question of an exercise, on a page of its own. It may stay empty.

    Its page also sends the name of the question, in case the guide changes meanwhile, and where to
    go. No field of the guide has a name with a hyphen and no number.
    """

    def __init__(
        self,
        exercise: Exercise,
        question: Field,
        data: Any = None,
        *,
        answer: dict[str, Any] | None = None,
    ) -> None:
        alone = replace(exercise, fields=(replace(question, only_if=""),), makes=())
        super().__init__(alone, data, answer=answer)

    def clean(self) -> dict[str, Any]:
        return self.cleaned_data


def asked_questions(exercise: Exercise, answer: Mapping[str, Any]) -> dict[int, Field]:
    """The questions that this answer leads to, by their numbers on the pages."""
    asked = {question.name for question in _questions(exercise, answer)}
    return {
        number: question
        for number, question in enumerate(exercise.fields, 1)
        if question.name in asked
    }


def _questions(exercise: Exercise, given: Mapping[str, Any]) -> list[Field]:
    """Those to ask. What was written stays also when the choice that asked for it is another."""
    chosen = [given.get(field.name) for field in exercise.fields if field.kind == "choice"]
    return [
        field
        for field in exercise.fields
        if not field.only_if or field.only_if in chosen or given.get(field.name)
    ]


def _initial(exercise: Exercise, answer: dict[str, Any]) -> dict[str, Any]:
    initial: dict[str, Any] = {}
    for question in exercise.fields:
        if value := answer.get(question.name):
            initial |= KINDS[question.kind].initial(question, value)
    return initial


@not_writing("id", SHOWN, DEVICE_COPY, GUIDE_VERSION)
class AnswerIdForm(forms.Form):
    """The id that a page gives to the next answer, so that pressing twice saves one.

    Beside it are the words that the page has shown, as `saved_state` names them, and the id that
    its script has given to the copy on the device.
    """

    id = forms.UUIDField(widget=forms.HiddenInput)

    @property
    def answer_id(self) -> UUID:
        """The page's id; a fresh one if the posted value is not a UUID."""
        posted: UUID = self.cleaned_data["id"] if self.is_valid() else uuid4()
        return posted

    @property
    def shown(self) -> str:
        return self._posted_uuid(SHOWN)

    @property
    def device_copy(self) -> str:
        """Empty without the script."""
        return self._posted_uuid(DEVICE_COPY)

    def _posted_uuid(self, name: str) -> str:
        # Both come back on pages, or wait in the session: nothing else may.
        try:
            return str(UUID(self.data.get(name, "")))
        except ValueError:
            return ""
