"""A saved answer as its page shows it, read by the exercise as it is worded today."""

from dataclasses import dataclass
from typing import Any

from django.utils.dateparse import parse_date

from accounts import local_times
from accounts.models import User
from healing.guide_types import Exercise, Field
from healing.models import Answer
from vault.sealing import CannotOpen


@dataclass(frozen=True)
class DisplayedField:
    """One field of a saved answer: text, lines, or a table of headings and rows."""

    label: str
    text: str = ""
    lines: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class DisplayedAnswer:
    """A saved answer as its page shows it. `fields` is None if it cannot be opened."""

    row: Answer
    sentence: str
    fields: list[DisplayedField] | None


def display_answer(*, person: User, row: Answer, exercise: Exercise | None) -> DisplayedAnswer:
    try:
        contents = row.open(person.key)
    except CannotOpen:
        return DisplayedAnswer(row, "", None)
    sentence = finished_sentence(exercise, contents.fields)
    return DisplayedAnswer(row, sentence, displayed_fields(exercise, contents.fields))


def displayed_fields(exercise: Exercise | None, answer: dict[str, Any]) -> list[DisplayedField]:
    """A saved answer with today's labels. A field that is no longer asked shows its name."""
    questions = {field.name: field for field in exercise.fields} if exercise else {}
    return [_displayed(questions.get(name), name, value) for name, value in answer.items() if value]


def _displayed(question: Field | None, name: str, value: Any) -> DisplayedField:
    label = question.label if question else name.replace("_", " ").capitalize()
    if isinstance(value, str):
        day = parse_date(value) if question and question.kind == "date" else None
        return DisplayedField(label, text=local_times.day(day) if day else value)
    if not isinstance(value[0], dict):
        return DisplayedField(label, lines=tuple(value))
    columns = {column.name: column.label for column in question.columns} if question else {}
    names = list(value[0])
    return DisplayedField(
        label,
        headings=tuple(columns.get(column, column) for column in names),
        rows=tuple(tuple(str(row.get(column, "")) for column in names) for row in value),
    )


def finished_sentence(exercise: Exercise | None, answer: dict[str, Any]) -> str:
    """The sentence that the exercise makes of an answer; empty while a part of it is."""
    if not exercise or not exercise.makes:
        return ""
    names = exercise.sentence_fields
    parts = {name: str(answer.get(name, "")).strip().rstrip(".") for name in names}
    return exercise.makes.format(**parts) if all(parts.values()) else ""


def fields_beyond_form(exercise: Exercise, answer: dict[str, Any]) -> dict[str, Any]:
    """The saved fields that today's form cannot show, so that changing an answer keeps them.

    A question that is gone keeps its name. Values that no longer fit their question (too many
    rows, columns or choices that are gone) stay whole under `<name>_before`.
    """
    questions = {field.name: field for field in exercise.fields}
    beyond: dict[str, Any] = {}
    for name, value in answer.items():
        question = questions.get(name)
        if question is None:
            beyond[name] = value
        elif not _fits(question, value):
            beyond[f"{name}_before"] = value
    return beyond


def _fits(question: Field, value: Any) -> bool:
    if not question.most:
        values = value if isinstance(value, list) else [value] if value else []
        return not question.choices or set(values) <= set(question.choices)
    columns = {column.name for column in question.columns}
    return len(value) <= question.most and all(
        set(row) <= columns if isinstance(row, dict) else not columns for row in value
    )
