"""A saved answer as its page shows it, read by the exercise as it is worded today."""

from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from accounts.models import User
from healing.field_kinds import KINDS, Shown, shown, written_day
from healing.guide_types import Exercise, Field
from healing.made_sentence import made_sentence
from healing.models import Answer
from healing.visitor_answers import VisitorAnswer
from vault.sealing import CannotOpen

Row = TypeVar("Row", Answer, VisitorAnswer)


@dataclass(frozen=True)
class DisplayedField:
    """One field of a saved answer."""

    label: str
    shown: Shown


@dataclass(frozen=True)
class DisplayedAnswer(Generic[Row]):
    """A saved answer as its page shows it. `fields` is None if it cannot be opened, and has no
    words that the sentence says already.

    `followed_up` is what was said when the answer was asked about, `followed_up_on` the day.
    """

    row: Row
    exercise: Exercise | None
    sentence: str = ""
    fields: list[DisplayedField] | None = None
    followed_up: str = ""
    followed_up_on: str = ""


def display_answer(
    *, person: User, row: Answer, exercise: Exercise | None
) -> DisplayedAnswer[Answer]:
    try:
        contents = row.open(person.key)
    except CannotOpen:
        return DisplayedAnswer(row, exercise)
    return replace(
        _display_fields(row, exercise, contents.fields),
        followed_up=_said(exercise, contents.followed_up),
        followed_up_on=written_day(contents.followed_up_on),
    )


def display_visitor_answer(
    row: VisitorAnswer, exercise: Exercise | None
) -> DisplayedAnswer[VisitorAnswer]:
    return _display_fields(row, exercise, row.fields)


def _display_fields(
    row: Row, exercise: Exercise | None, fields: dict[str, Any]
) -> DisplayedAnswer[Row]:
    made = made_sentence(exercise, fields)
    beside = {name: value for name, value in fields.items() if name not in made.names}
    return DisplayedAnswer(
        row, exercise, sentence=made.text, fields=displayed_fields(exercise, beside)
    )


def _said(exercise: Exercise | None, key: str) -> str:
    choices = exercise.follow_up.choices if exercise and exercise.follow_up else ()
    return next((choice.label for choice in choices if choice.key == key), key)


def displayed_fields(exercise: Exercise | None, answer: dict[str, Any]) -> list[DisplayedField]:
    """A saved answer with today's labels. A field that is no longer asked shows its name."""
    return [
        _displayed(exercise.field(name) if exercise else None, name, value)
        for name, value in answer.items()
        if value
    ]


def _displayed(question: Field | None, name: str, value: Any) -> DisplayedField:
    label = question.label if question else name.replace("_", " ").capitalize()
    return DisplayedField(label, shown(question, value))


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
        elif not KINDS[question.kind].fits(question, value):
            key = f"{name}_before"
            while answer.get(key, value) != value:
                key += "_before"
            beyond[key] = value
    return beyond
