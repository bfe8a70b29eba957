"""The kinds of field an exercise can have: each makes form fields, and reads them (ADR 8).

A question with several fields numbers or names them after itself: `wins-0`, `moments-0-happened`,
`signs-effort`, `looking-own`. No script is needed for any of them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any, Protocol

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from accounts import local_times
from accounts.private_input_attributes import PRIVATE_INPUT_ATTRIBUTES
from accounts.unstripped_char_field import UnstrippedCharField
from healing.guide_types import Choice, Field
from safety.helpline_types import Country, Helpline
from safety.helpline_types import Kind as HelplineKind
from safety.helplines import countries

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
    return forms.ChoiceField(choices=_pairs(field), widget=forms.RadioSelect, **kwargs)


def _scale(field: Field, **kwargs: Any) -> forms.Field:
    return _choice(field, template_name="healing/_scale_field.html", **kwargs)


def _several(field: Field, **kwargs: Any) -> forms.Field:
    widget = forms.CheckboxSelectMultiple
    return forms.MultipleChoiceField(choices=_pairs(field), widget=widget, **kwargs)


def _pairs(field: Field) -> list[tuple[str, str]]:
    return [(choice.key, choice.label) for choice in field.choices]


def _date(field: Field, **kwargs: Any) -> forms.Field:
    widget = forms.DateInput(attrs={"type": "date", "autocomplete": "off"}, format="%Y-%m-%d")
    return forms.DateField(widget=widget, **kwargs)


def _time(field: Field, **kwargs: Any) -> forms.Field:
    widget = forms.TimeInput(attrs={"type": "time", "autocomplete": "off"}, format="%H:%M")
    return forms.TimeField(widget=widget, validators=[_WithinHours(field)], **kwargs)


@dataclass(frozen=True)
class _WithinHours:
    """Refuse a time before `earliest` or after `latest`."""

    field: Field

    def __call__(self, value: time) -> None:
        earliest, latest = self.field.earliest or "00:00", self.field.latest or "23:59"
        if not earliest <= f"{value:%H:%M}" <= latest:
            raise ValidationError(
                _("A time between %(earliest)s and %(latest)s fits here.")
                % {"earliest": _written(earliest), "latest": _written(latest)}
            )


def _country(field: Field, **kwargs: Any) -> forms.Field:
    names = [(country.code, country.name) for country in countries().values()]
    return forms.ChoiceField(choices=[("", _("Not chosen")), *names], **kwargs)


FIELD_FACTORIES: dict[str, Callable[..., forms.Field]] = {
    "text": _text,
    "long": _long,
    "lines": _text,
    "choice": _choice,
    "scale": _scale,
    "several": _several,
    "date": _date,
    "time": _time,
    "country": _country,
}


@dataclass(frozen=True)
class Slot:
    """One form field of a question. `row` and `column` say where its value belongs."""

    name: str
    question: Field
    row: int = 0
    column: str = ""


@dataclass(frozen=True)
class Shown:
    """What a saved value says: text, lines, or a table of headings and rows."""

    text: str = ""
    lines: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()

    @property
    def labelled_rows(self) -> list[list[tuple[str, str]]]:
        """(heading, cell) of each cell, row by row."""
        return [list(zip(self.headings, row, strict=True)) for row in self.rows]


class Kind(Protocol):
    """How a question becomes form fields, and their values become what is stored."""

    def slots(self, question: Field) -> Iterator[Slot]: ...

    def value(self, question: Field, values: Mapping[str, Any]) -> Any:
        """JSON from the values of the form fields; empty if nothing was entered."""

    def initial(self, question: Field, value: Any) -> dict[str, Any]:
        """The values of the form fields that show what is stored."""

    def fits(self, question: Field, value: Any) -> bool:
        """Whether the form of this question can show all of what is stored."""


# Words are no day, time or country: a question that was of another kind before does not show them.
# Each raises ValueError or KeyError for them.
PARSERS: dict[str, Callable[[str], Any]] = {
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "country": lambda code: countries()[code],
}


class OneValue:
    """A question with one form field: its value is stored as it is."""

    def slots(self, question: Field) -> Iterator[Slot]:
        yield Slot(question.name, question)

    def value(self, question: Field, values: Mapping[str, Any]) -> Any:
        return _json_value(values.get(question.name))

    def initial(self, question: Field, value: Any) -> dict[str, Any]:
        is_right_type = isinstance(value, list if question.kind == "several" else str)
        return {question.name: value} if is_right_type else {}

    def fits(self, question: Field, value: Any) -> bool:
        is_list = isinstance(value, list)
        values = value if is_list else [value] if value else []
        if is_list != (question.kind == "several") and values:
            return False
        if not all(isinstance(each, str) for each in values):
            return False
        if not all(_can_be_read(question.kind, each) for each in values):
            return False
        return not question.choices or set(values) <= _keys(question.choices)


def _can_be_read(kind: str, value: str) -> bool:
    try:
        PARSERS.get(kind, str)(value)
    except (ValueError, KeyError):
        return False
    return True


class Rows:
    """Numbered rows, each with one form field or one for each column; empty rows are left out."""

    def slots(self, question: Field) -> Iterator[Slot]:
        for row in range(question.most):
            for column in question.columns or (None,):
                if column is None:
                    yield Slot(f"{question.name}-{row}", question, row)
                else:
                    yield Slot(f"{question.name}-{row}-{column.name}", column, row, column.name)

    def value(self, question: Field, values: Mapping[str, Any]) -> Any:
        rows: list[dict[str, Any]] = [{} for _row in range(question.most)]
        for slot in self.slots(question):
            rows[slot.row][slot.column] = _json_value(values.get(slot.name))
        filled = [row for row in rows if any(row.values())]
        return filled if question.columns else [row[""] for row in filled]

    def initial(self, question: Field, value: Any) -> dict[str, Any]:
        stored = value if isinstance(value, list) else []
        rows = [row if isinstance(row, dict) else {"": row} for row in stored]
        return {
            slot.name: rows[slot.row].get(slot.column)
            for slot in self.slots(question)
            if slot.row < len(rows)
        }

    def fits(self, question: Field, value: Any) -> bool:
        if not isinstance(value, list) or len(value) > question.most:
            return False
        columns = {column.name: column for column in question.columns}
        if not columns:
            return all(isinstance(row, str) for row in value)
        return all(
            isinstance(row, dict)
            and set(row) <= set(columns)
            and all(ONE_VALUE.fits(columns[name], each) for name, each in row.items())
            for row in value
        )


class Grid:
    """One scale for each item: item → choice."""

    def slots(self, question: Field) -> Iterator[Slot]:
        for item in question.items:
            scale = Field(item.key, "scale", item.label, choices=question.choices)
            yield Slot(f"{question.name}-{item.key}", scale, column=item.key)

    def value(self, question: Field, values: Mapping[str, Any]) -> Any:
        chosen = {slot.column: values.get(slot.name) for slot in self.slots(question)}
        return {item: choice for item, choice in chosen.items() if choice}

    def initial(self, question: Field, value: Any) -> dict[str, Any]:
        chosen = value if isinstance(value, dict) else {}
        return {slot.name: chosen.get(slot.column) for slot in self.slots(question)}

    def fits(self, question: Field, value: Any) -> bool:
        return (
            isinstance(value, dict)
            and set(value) <= _keys(question.items)
            and set(map(str, value.values())) <= _keys(question.choices)
        )


class Checklist:
    """Ticked choices, and a line of one's own."""

    def slots(self, question: Field) -> Iterator[Slot]:
        several = Field(
            question.name, "several", question.label, question.hint, choices=question.choices
        )
        own = Field("own", "text", question.own, limit=question.limit)
        yield Slot(question.name, several, column="ticked")
        yield Slot(f"{question.name}-own", own, column="own")

    def value(self, question: Field, values: Mapping[str, Any]) -> Any:
        entered = {slot.column: _json_value(values.get(slot.name)) for slot in self.slots(question)}
        return entered if any(entered.values()) else {}

    def initial(self, question: Field, value: Any) -> dict[str, Any]:
        entered = value if isinstance(value, dict) else {}
        return {slot.name: entered.get(slot.column) for slot in self.slots(question)}

    def fits(self, question: Field, value: Any) -> bool:
        return (
            isinstance(value, dict)
            and set(value) <= {"ticked", "own"}
            and set(value.get("ticked") or []) <= _keys(question.choices)
        )


ONE_VALUE = OneValue()
KINDS: dict[str, Kind] = {
    **dict.fromkeys(FIELD_FACTORIES, ONE_VALUE),
    **dict.fromkeys(("lines", "rows", "people"), Rows()),
    "grid": Grid(),
    "checklist": Checklist(),
}


def form_field(question: Field, *, required: bool) -> forms.Field:
    make = FIELD_FACTORIES[question.kind]
    return make(question, label=question.label, help_text=question.hint, required=required)


def shown(question: Field | None, value: Any) -> Shown:
    """A stored value in words. Values that no question explains any more are shown as they are."""
    if isinstance(value, dict):
        return _shown_mapping(question, value)
    if question and question.kind == "country" and isinstance(value, str) and value in countries():
        return Shown(lines=tuple(_helplines(countries()[value])))
    if not isinstance(value, list):
        return Shown(text=words_of(question, value))
    if not any(isinstance(each, dict) for each in value):
        return Shown(lines=tuple(words_of(question, each) for each in value))
    columns = {column.name: column for column in question.columns} if question else {}
    names = list(dict.fromkeys(name for row in value for name in row))
    return Shown(
        headings=tuple(columns[name].label if name in columns else name for name in names),
        rows=tuple(
            tuple(words_of(columns.get(name), row.get(name, "")) for name in names) for row in value
        ),
    )


def _shown_mapping(question: Field | None, value: Mapping[str, Any]) -> Shown:
    if set(value) <= {"ticked", "own"}:
        ticked = [words_of(question, key) for key in value.get("ticked") or []]
        return Shown(lines=(*ticked, *filter(None, [value.get("own")])))
    items = {item.key: item.label for item in question.items} if question else {}
    return Shown(
        rows=tuple(
            (items.get(key, key), words_of(question, choice)) for key, choice in value.items()
        )
    )


def _helplines(country: Country) -> Iterator[str]:
    """Whom to call there, as we know it today: the emergency number, and lines for a crisis."""
    for emergency in country.emergency:
        yield _("Emergency: %(number)s") % {"number": emergency.number}
    for line in country.lines:
        if line.kind == HelplineKind.CRISIS:
            yield f"{line.name}: {_reached(line)}"


def _reached(line: Helpline) -> str:
    if line.numbers:
        return ", ".join(map(str, line.numbers))
    if line.sms is None:
        return line.web_name
    if line.sms.word:
        return _("send %(word)s to %(number)s") % vars(line.sms)
    return _("send a message to %(number)s") % vars(line.sms)


def words_of(question: Field | None, value: Any) -> str:
    """One stored value as a reader sees it: the label of a choice, a day, a time."""
    text = str(value)
    if question is None or not text:
        return text
    if question.kind == "date":
        return written_day(text)
    if question.kind == "time":
        return _written(text)
    labels = {choice.key: choice.label for choice in question.choices}
    return labels.get(text, text)


def written_day(text: str) -> str:
    try:
        return local_times.day(date.fromisoformat(text))
    except ValueError:
        return text


def _written(text: str) -> str:
    try:
        return local_times.hour(time.fromisoformat(text))
    except ValueError:
        return text


def _json_value(value: Any) -> Any:
    """Days and times in ISO form, and what is empty as an empty string."""
    if isinstance(value, time):
        return f"{value:%H:%M}"
    return value.isoformat() if isinstance(value, date) else (value or "")


def _keys(choices: tuple[Choice, ...]) -> set[str]:
    return {choice.key for choice in choices}
