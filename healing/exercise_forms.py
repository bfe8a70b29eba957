"""One form, built from an exercise's data. Rows are numbered fields: no script is needed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.forms.boundfield import BoundField
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from accounts.returned_forms import not_writing
from healing.guide import Exercise, Field

# Rows beyond these wait behind “more rows”, so that an empty sheet does not look like a task.
OPEN_ROWS = 2


class Words(forms.CharField):
    """Words as they were typed: nothing stripped, lines ended as the browser shows them.

    The limit is checked here and not by the browser, which would cut a pasted text in silence.
    """

    default_error_messages = {
        "required": gettext_lazy("This one is needed for the sentence. A few words are enough."),
        "null_characters_not_allowed": gettext_lazy(
            "There is a sign in here that cannot be kept. Take it out and try again."
        ),
    }

    def __init__(self, *, limit: int, **kwargs: Any) -> None:
        super().__init__(strip=False, **kwargs)
        self.validators.append(
            MaxLengthValidator(
                limit,
                ngettext_lazy(
                    "This is longer than fits here: %(show_value)d characters, and %(limit_value)d "
                    "fits.",
                    "This is longer than fits here: %(show_value)d characters, and "
                    "%(limit_value)d fit.",
                    "limit_value",
                ),
            )
        )

    def to_python(self, value: Any) -> str:
        text = super().to_python(value) or ""
        text = text.replace("\r\n", "\n")
        return text if text.strip() else ""


def _text(field: Field, **kwargs: Any) -> forms.Field:
    widget = forms.TextInput(attrs={"autocomplete": "off"})
    return Words(limit=field.limit, widget=widget, **kwargs)


def _long(field: Field, **kwargs: Any) -> forms.Field:
    widget = forms.Textarea(attrs={"autocomplete": "off", "rows": 4})
    return Words(limit=field.limit, widget=widget, **kwargs)


def _choice(field: Field, **kwargs: Any) -> forms.Field:
    choices = [(choice, choice) for choice in field.choices]
    return forms.ChoiceField(choices=choices, widget=forms.RadioSelect, **kwargs)


def _several(field: Field, **kwargs: Any) -> forms.Field:
    choices = [(choice, choice) for choice in field.choices]
    return forms.MultipleChoiceField(choices=choices, widget=forms.CheckboxSelectMultiple, **kwargs)


def _date(field: Field, **kwargs: Any) -> forms.Field:
    widget = forms.DateInput(attrs={"type": "date", "autocomplete": "off"}, format="%Y-%m-%d")
    return forms.DateField(widget=widget, **kwargs)


KINDS: dict[str, Callable[..., forms.Field]] = {
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
        return self.rows[: self._open]

    @property
    def more_rows(self) -> list[Row]:
        return self.rows[self._open :]

    @property
    def _open(self) -> int:
        """Rows with something in them are always open."""
        filled = [
            number
            for number, row in enumerate(self.rows, start=1)
            if any(field.value() or field.errors for field in row.fields)
        ]
        return max([OPEN_ROWS, *filled])


@not_writing()
class ExerciseForm(forms.Form):
    """The fields of one exercise. `answer` afterwards holds what was written, by field name."""

    # One filled field is enough, so no single label says “optional”.
    all_optional = True

    def __init__(
        self, exercise: Exercise, data: Any = None, *, answer: dict[str, Any] | None = None
    ) -> None:
        self.exercise = exercise
        super().__init__(data, initial=_initial(exercise, answer or {}))
        for question in exercise.fields:
            self.fields.update(_fields_of(question, required=self._is_required(question)))

    def _is_required(self, question: Field) -> bool:
        return question.name in self.exercise.made_of and not question.optional

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
            raise ValidationError(_("There is nothing here to keep yet. One word is enough."))
        return self.cleaned_data

    @property
    def answer(self) -> dict[str, Any]:
        """Field name → words, a list of words, or a list of rows by column name."""
        return {field.name: self._value(field) for field in self.exercise.fields}

    def _value(self, question: Field) -> Any:
        if not question.most:
            return _plain(self.cleaned_data.get(question.name))
        rows = [
            {column: _plain(self.cleaned_data.get(name)) for column, name in names}
            for names in _row_names(question)
        ]
        filled = [row for row in rows if any(row.values())]
        return filled if question.columns else [row[""] for row in filled]


def _row_names(question: Field) -> list[list[tuple[str, str]]]:
    """For each row, its columns and the names that their fields have in the form."""
    columns = [column.name for column in question.columns] or [""]
    return [
        [(column, "-".join(filter(None, [question.name, str(row), column]))) for column in columns]
        for row in range(question.most)
    ]


def _fields_of(question: Field, *, required: bool) -> dict[str, forms.Field]:
    if not question.most:
        return {question.name: _field(question, required=required)}
    columns = question.columns or (question,)
    return {
        name: _field(column, required=False)
        for names in _row_names(question)
        for column, (_name, name) in zip(columns, names, strict=True)
    }


def _field(question: Field, *, required: bool) -> forms.Field:
    make = KINDS[question.kind]
    return make(question, label=question.label, help_text=question.hint, required=required)


def _plain(value: Any) -> Any:
    """JSON has no dates and needs none: a day is its ISO form."""
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


def carried(exercise: Exercise, answer: dict[str, Any]) -> dict[str, Any]:
    """What the form of today's exercise has no room for, so that changing an answer keeps it.

    Old questions stay under their name. Rows that are too many, or have columns that are gone, stay
    whole beside the new ones.
    """
    questions = {field.name: field for field in exercise.fields}
    kept: dict[str, Any] = {}
    for name, value in answer.items():
        question = questions.get(name)
        if question is None:
            kept[name] = value
        elif not _fits(question, value):
            kept[f"{name}_before"] = value
    return kept


def _fits(question: Field, value: Any) -> bool:
    if not question.most:
        return not question.choices or set(_listed(value)) <= set(question.choices)
    columns = {column.name for column in question.columns}
    return len(value) <= question.most and all(
        set(row) <= columns if isinstance(row, dict) else not columns for row in value
    )


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value] if value else []


@dataclass(frozen=True)
class ShownField:
    """One part of a kept answer, ready to be read."""

    label: str
    text: str = ""
    lines: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def show(exercise: Exercise | None, answer: dict[str, Any]) -> list[ShownField]:
    """A kept answer in today's wording; what today's exercise does not know keeps its old name."""
    questions = {field.name: field for field in exercise.fields} if exercise else {}
    return [_shown(questions.get(name), name, value) for name, value in answer.items() if value]


def _shown(question: Field | None, name: str, value: Any) -> ShownField:
    label = question.label if question else name.replace("_", " ").capitalize()
    if isinstance(value, str):
        return ShownField(label, text=_readable(question, value))
    if not isinstance(value[0], dict):
        return ShownField(label, lines=tuple(value))
    columns = {column.name: column.label for column in question.columns} if question else {}
    names = list(value[0])
    return ShownField(
        label,
        headings=tuple(columns.get(column, column) for column in names),
        rows=tuple(tuple(str(row.get(column, "")) for column in names) for row in value),
    )


def _readable(question: Field | None, value: str) -> str:
    day = parse_date(value) if question and question.kind == "date" else None
    return day.strftime("%-d %B %Y") if day else value


def sentence(exercise: Exercise | None, answer: dict[str, Any]) -> str:
    """The sentence the exercise makes of an answer, or nothing."""
    if not exercise or not exercise.makes:
        return ""
    parts = {name: str(answer.get(name, "")).strip().rstrip(".") for name in exercise.made_of}
    return exercise.makes.format(**parts) if all(parts.values()) else ""
