from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healing.displayed_answer import displayed_fields, finished_sentence
from healing.exercise_forms import ExerciseForm
from healing.guide import guide
from healing.guide_types import Exercise, Field

EXERCISES = [
    exercise for step in guide().steps.values() for exercise in step.exercises if not exercise.desk
]


def exercise_of(*fields: Field, makes: str = "") -> Exercise:
    return Exercise("try", "Try", 1, "Try it.", "", fields, makes, "Kept.", desk=False)


TEXT = Field("what", "text", "What", limit=20)
LONG = Field("more", "long", "More", limit=50, optional=True)
ROWS = Field("pairs", "rows", "Pairs", most=3, columns=(TEXT, LONG))
LINES = Field("wins", "lines", "Wins", limit=20, most=3)
CHOICE = Field("which", "choice", "Which", choices=("one", "two"))
SEVERAL = Field("some", "several", "Some", choices=("one", "two"))
DAY = Field("day", "date", "Day")
EVERY_KIND = exercise_of(TEXT, LONG, ROWS, LINES, CHOICE, SEVERAL, DAY)


def test_every_field_kind_is_saved_as_typed() -> None:
    form = ExerciseForm(
        EVERY_KIND,
        {
            "what": " tea ",
            "more": "line\r\nline",
            "pairs-0-what": "a",
            "pairs-2-more": "b",
            "wins-1": "slept",
            "which": "two",
            "some": ["one", "two"],
            "day": "2026-03-12",
        },
    )

    assert form.is_valid()
    assert form.answer == {
        "what": " tea ",
        "more": "line\nline",
        "pairs": [{"what": "a", "more": ""}, {"what": "", "more": "b"}],
        "wins": ["slept"],
        "which": "two",
        "some": ["one", "two"],
        "day": "2026-03-12",
    }


def test_saved_answer_fills_its_form() -> None:
    answer = {
        "what": "tea",
        "more": "",
        "pairs": [{"what": "a", "more": "b"}],
        "wins": ["slept", "ate"],
        "which": "one",
        "some": ["two"],
        "day": "2026-03-12",
    }
    form = ExerciseForm(EVERY_KIND, answer=answer)
    data = {name: form[name].value() or "" for name in form.fields}

    again = ExerciseForm(EVERY_KIND, data)

    assert again.is_valid()
    assert again.answer == answer


@pytest.mark.parametrize("data", [{}, {"what": "  "}, {"pairs-0-what": "\n"}, {"unknown": "x"}])
def test_empty_form_has_one_kind_error(data: dict[str, str]) -> None:
    form = ExerciseForm(EVERY_KIND, data)

    assert not form.is_valid()
    assert form.errors == {"__all__": ["There is nothing here to save yet. One word is enough."]}


@pytest.mark.parametrize(
    ("data", "field", "message"),
    [
        ({"what": "x" * 21}, "what", "21 characters, and 20 fit"),
        ({"what": "a\x00b"}, "what", "can’t be saved"),
        ({"which": "three"}, "which", "three"),
        ({"day": "2026-02-30"}, "day", "date"),
        ({"wins-0": "x" * 21}, "wins-0", "20 fit"),
    ],
)
def test_error_is_shown_at_its_field(data: dict[str, str], field: str, message: str) -> None:
    form = ExerciseForm(EVERY_KIND, data)

    assert message in form.errors[field][0]


def test_no_maxlength_attribute_truncates_a_paste() -> None:
    assert "maxlength" not in str(ExerciseForm(EVERY_KIND))


def test_rows_with_something_in_them_are_open() -> None:
    (part,) = ExerciseForm(exercise_of(ROWS)).parts()
    assert [len(part.open_rows), len(part.more_rows)] == [2, 1]

    (part,) = ExerciseForm(exercise_of(ROWS), {"pairs-2-what": "x"}).parts()
    assert [len(part.open_rows), len(part.more_rows)] == [3, 0]


def test_sentence_is_made_of_its_parts() -> None:
    boundary = guide().steps[5].exercises[0]
    answer = {name: f"my {name}." for name in boundary.sentence_fields}

    made = finished_sentence(boundary, answer)

    assert made
    assert all(f"my {name}" in made for name in boundary.sentence_fields)
    assert finished_sentence(boundary, {}) == ""


def test_answer_to_an_exercise_that_is_gone_is_still_shown() -> None:
    shown = displayed_fields(None, {"old_question": "my words", "rows": [{"a": "b"}], "empty": ""})

    assert [(field.label, field.text) for field in shown] == [
        ("Old question", "my words"),
        ("Rows", ""),
    ]
    assert shown[1].rows == (("b",),)


ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=300)


def names_and_texts(exercise: Exercise) -> st.SearchStrategy[dict[str, str]]:
    names = list(ExerciseForm(exercise).fields)
    return st.dictionaries(st.sampled_from([*names, "extra"]), ANY_TEXT)


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.key)
@given(data=st.data())
def test_any_text_is_saved_exactly_or_rejected(exercise: Exercise, data: st.DataObject) -> None:
    posted = data.draw(names_and_texts(exercise))
    form = ExerciseForm(exercise, posted)

    if form.is_valid():
        written = [
            text.replace("\r\n", "\n")
            for name, text in posted.items()
            if name in form.fields and text.strip()
        ]
        assert sorted(_texts(form.answer)) == sorted(written)
    else:
        assert form.errors


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from [value] if value else []
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    else:
        for item in value:
            yield from _texts(item)
