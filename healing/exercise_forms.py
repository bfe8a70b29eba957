"""Build a form from an exercise's data (ADR 8). Rows are numbered fields: no script is needed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.forms.boundfield import BoundField
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from accounts.private_input_attributes import PRIVATE_INPUT_ATTRIBUTES
from accounts.returned_forms import not_writing
from accounts.unstripped_char_field import UnstrippedCharField
from healing.guide_types import Exercise, Field

# Further empty rows are folded away, so that a form does not look like a task.
OPEN_ROWS = 2

TOO_LONG = ngettext_lazy(
    "This is longer than fits here: %(show_value)d characters, and %(limit_value)d fits.",
    "This is longer than fits here: %(show_value)d characters, and %(limit_value)d fit.",
    "limit_value",
)
TEXT_ERRORS = {
    "required": gettext_lazy("This one is needed for the sentence. A few words are enough."),
    "null_characters_not_allowed": gettext_lazy(
        "One character here can’t be saved. Take it out and try again."
    ),
}


def _text(field: Field, **kwargs: Any) -> forms.Field:
    return _unstripped(field, forms.TextInput(attrs=PRIVATE_INPUT_ATTRIBUTES), **kwargs)


def _long(field: Field, **kwargs: Any) -> forms.Field:
    return _unstripped(
        field, forms.Textarea(attrs=PRIVATE_INPUT_ATTRIBUTES | {"rows": 4}), **kwargs
    )


def _unstripped(field: Field, widget: forms.Widget, **kwargs: Any) -> forms.Field:
    return UnstrippedCharField(
        widget=widget,
        error_messages=TEXT_ERRORS,
        # Not max_length: it sets `maxlength`, and browsers silently cut what is pasted.
        validators=[MaxLengthValidator(field.limit, TOO_LONG)],
        **kwargs,
    )


def _choice(field: Field, **kwargs: Any) -> forms.Field:
    choices = [(choice, choice) for choice in field.choices]
    return forms.ChoiceField(choices=choices, widget=forms.RadioSelect, **kwargs)


def _several(field: Field, **kwargs: Any) -> forms.Field:
    choices = [(choice, choice) for choice in field.choices]
    return forms.MultipleChoiceField(choices=choices, widget=forms.CheckboxSelectMultiple, **kwargs)


def _date(field: Field, **kwargs: Any) -> forms.Field:
    widget = forms.DateInput(attrs={"type": "date", "autocomplete": "off"}, format="%Y-%m-%d")
    return forms.DateField(widget=widget, **kwargs)


FIELD_FACTORIES: dict[str, Callable[..., forms.Field]] = {
    "text": _text,
    "long": _long,
    "lines": _text,
    "choice": _choice,
    "several": _several,
    "date": _date,
}


@dataclass(frozen=True)
class Row:
    number: int
    fields: list[BoundField]


@dataclass(frozen=True)
class Part:
    """One question as the page shows it: a single field, or rows of fields."""

    question: Field
    field: BoundField | None
    rows: list[Row]

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

    def __init__(
        self, exercise: Exercise, data: Any = None, *, answer: dict[str, Any] | None = None
    ) -> None:
        self.exercise = exercise
        super().__init__(data, initial=_initial(exercise, answer or {}))
        for question in exercise.fields:
            required = question.name in exercise.sentence_fields and not question.optional
            self.fields.update(_form_fields(question, required=required))

    def parts(self) -> Iterator[Part]:
        for question in self.exercise.fields:
            if question.most:
                rows = [
                    Row(number, [self[name] for _column, name in names])
                    for number, names in enumerate(_row_names(question), start=1)
                ]
                yield Part(question, None, rows)
            else:
                yield Part(question, self[question.name], [])

    def clean(self) -> dict[str, Any]:
        if not self.errors and not any(self.answer.values()):
            raise ValidationError(_("There is nothing here to save yet. One word is enough."))
        return self.cleaned_data

    @property
    def answer(self) -> dict[str, Any]:
        """Field name → text, a list of texts, or a list of rows by column name."""
        return {field.name: self._value(field) for field in self.exercise.fields}

    def _value(self, question: Field) -> Any:
        if not question.most:
            return _json_value(self.cleaned_data.get(question.name))
        rows = [
            {column: _json_value(self.cleaned_data.get(name)) for column, name in names}
            for names in _row_names(question)
        ]
        filled = [row for row in rows if any(row.values())]
        return filled if question.columns else [row[""] for row in filled]


def _row_names(question: Field) -> list[list[tuple[str, str]]]:
    """For each row, (column, form field name): `moments-0-happened`; without columns `wins-0`."""
    columns = [column.name for column in question.columns] or [""]
    return [
        [(column, "-".join(filter(None, [question.name, str(row), column]))) for column in columns]
        for row in range(question.most)
    ]


def _form_fields(question: Field, *, required: bool) -> dict[str, forms.Field]:
    if not question.most:
        return {question.name: _form_field(question, required=required)}
    columns = question.columns or (question,)
    return {
        name: _form_field(column, required=False)
        for names in _row_names(question)
        for column, (_name, name) in zip(columns, names, strict=True)
    }


def _form_field(question: Field, *, required: bool) -> forms.Field:
    make = FIELD_FACTORIES[question.kind]
    return make(question, label=question.label, help_text=question.hint, required=required)


def _json_value(value: Any) -> Any:
    """Store dates in ISO form, and empty values as an empty string."""
    return value.isoformat() if hasattr(value, "isoformat") else (value or "")


def _initial(exercise: Exercise, answer: dict[str, Any]) -> dict[str, Any]:
    initial: dict[str, Any] = {}
    for question in exercise.fields:
        value = answer.get(question.name)
        if not question.most:
            initial[question.name] = value
            continue
        for names, row in zip(_row_names(question), value or [], strict=False):
            for column, name in names:
                initial[name] = row.get(column) if column else row
    return initial


@not_writing("id")
class AnswerIdForm(forms.Form):
    """The id that a page gives to the next answer, so that pressing twice saves one."""

    id = forms.UUIDField(widget=forms.HiddenInput)

    @property
    def answer_id(self) -> UUID:
        """The page's id; a fresh one if the posted value is not a UUID."""
        posted: UUID = self.cleaned_data["id"] if self.is_valid() else uuid4()
        return posted
