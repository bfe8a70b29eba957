from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healing.displayed_answer import displayed_fields, fields_beyond_form
from healing.exercise_forms import ExerciseForm
from healing.guide import guide
from healing.guide_types import Choice, Exercise, Field
from healing.made_sentence import made_sentence

EXERCISES = [
    exercise for step in guide().steps.values() for exercise in step.exercises if not exercise.desk
]


ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=300)
ONE_OR_TWO = (Choice("one", "The first"), Choice("two", "The second"))


def exercise_of(*fields: Field, makes: tuple[str, ...] = ()) -> Exercise:
    return Exercise("try", "Try", 1, "Try it.", fields=fields, makes=makes)


TEXT = Field("what", "text", "What", limit=20)
LONG = Field("more", "long", "More", limit=50, optional=True)
ROWS = Field("pairs", "rows", "Pairs", most=3, columns=(TEXT, LONG))
LINES = Field("wins", "lines", "Wins", limit=20, most=3)
CHOICE = Field("which", "choice", "Which", choices=ONE_OR_TWO)
SEVERAL = Field("some", "several", "Some", choices=ONE_OR_TWO)
DAY = Field("day", "date", "Day")
SCALE = Field("often", "scale", "How often", choices=ONE_OR_TWO)
GRID = Field(
    "signs", "grid", "Signs", choices=ONE_OR_TWO, items=(Choice("a", "A"), Choice("b", "B"))
)
CHECKLIST = Field("looking", "checklist", "Looking", limit=20, choices=ONE_OR_TWO, own="Other")
HOUR = Field("hour", "time", "Hour", earliest="08:00", latest="20:00")
PEOPLE = Field(
    "people",
    "people",
    "People",
    most=2,
    columns=(TEXT, Field("ring", "choice", "Near", choices=ONE_OR_TWO)),
)
EVERY_KIND = exercise_of(
    TEXT, LONG, ROWS, LINES, CHOICE, SEVERAL, DAY, SCALE, GRID, CHECKLIST, HOUR, PEOPLE
)


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
            "often": "one",
            "signs-b": "two",
            "looking": ["two"],
            "looking-own": "a walk",
            "hour": "17:30",
            "people-0-what": "K.",
            "people-0-ring": "one",
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
        "often": "one",
        "signs": {"b": "two"},
        "looking": {"ticked": ["two"], "own": "a walk"},
        "hour": "17:30",
        "people": [{"what": "K.", "ring": "one"}],
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
        "often": "two",
        "signs": {"a": "one", "b": "two"},
        "looking": {"ticked": ["one"], "own": ""},
        "hour": "08:00",
        "people": [{"what": "K.", "ring": ""}],
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
        ({"signs-a": "three"}, "signs-a", "three"),
        ({"looking": ["three"]}, "looking", "three"),
        ({"looking-own": "x" * 21}, "looking-own", "20 fit"),
        ({"people-1-ring": "x"}, "people-1-ring", "x"),
        ({"hour": "25:00"}, "hour", "time"),
        ({"hour": "22:00"}, "hour", "between 8:00 am and 8:00 pm"),
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

    made = made_sentence(boundary, answer)

    assert made.names == boundary.sentence_fields
    assert all(f"my {name}" in made.text for name in boundary.sentence_fields)
    assert made_sentence(boundary, {}).text == ""


IF_THEN = exercise_of(
    Field("moment", "text", "If …"),
    Field("act", "text", "then I will …"),
    Field("other", "text", "and if I cannot", optional=True),
    makes=("If {moment}, then I will {act}.", "And if I cannot, I will {other}."),
)


@pytest.mark.parametrize(
    ("answer", "made"),
    [
        ({"moment": "it is late", "act": "walk"}, "If it is late, then I will walk."),
        (
            {"moment": "it is late", "act": "walk.", "other": "read"},
            "If it is late, then I will walk. And if I cannot, I will read.",
        ),
        # The words before a blank, typed again, are taken out once.
        (
            {"moment": "if it is late", "act": "Then I will walk"},
            "If it is late, then I will walk.",
        ),
        ({"moment": "if if", "act": "walk"}, "If if, then I will walk."),
        ({"moment": "iffy news comes", "act": "walk"}, "If iffy news comes, then I will walk."),
        ({"moment": "if", "act": "walk"}, "If if, then I will walk."),
        ({"moment": "{act}", "act": "{0.x}"}, "If {act}, then I will {0.x}."),
        ({"moment": "it is late", "act": " "}, ""),
        ({"act": "walk", "other": "read"}, ""),
    ],
)
def test_sentence_has_no_stem_twice_and_no_blank(answer: dict[str, str], made: str) -> None:
    assert made_sentence(IF_THEN, answer).text == made


def test_saved_choices_are_shown_by_their_labels() -> None:
    answer = {
        "which": "two",
        "some": ["one", "gone"],
        "signs": {"b": "two", "gone": "one"},
        "looking": {"ticked": ["one"], "own": "a walk"},
        "hour": "17:30",
        "people": [{"what": "K.", "ring": "one"}],
        "day": "2026-03-12",
        "often": "odd",
    }

    shown = {field.label: field.shown for field in displayed_fields(EVERY_KIND, answer)}

    assert shown["Which"].text == "The second"
    assert shown["Some"].lines == ("The first", "gone")
    assert shown["Signs"].rows == (("B", "The second"), ("gone", "The first"))
    assert shown["Looking"].lines == ("The first", "a walk")
    assert shown["Hour"].text == "5:30 pm"
    assert (shown["People"].headings, shown["People"].rows) == (
        ("What", "Near"),
        (("K.", "The first"),),
    )
    assert shown["Day"].text == "12 March 2026"
    assert shown["How often"].text == "odd"


# An answer may have been saved in any shape: its question can have another kind by now.
OLD_VALUES = st.one_of(
    st.sampled_from(["one", "x", "2026-03-12", "17:30", "1" * 30]),
    st.lists(st.sampled_from(["one", "x"]), max_size=5),
    st.lists(st.dictionaries(st.sampled_from(["what", "ring", "x"]), ANY_TEXT), max_size=3),
    st.dictionaries(st.sampled_from(["a", "x"]), st.sampled_from(["one", "x"])),
    st.fixed_dictionaries({"ticked": st.lists(st.sampled_from(["one", "x"])), "own": ANY_TEXT}),
)


@pytest.mark.parametrize("question", EVERY_KIND.fields, ids=lambda question: question.kind)
@given(value=OLD_VALUES)
def test_answer_saved_under_any_other_kind_is_shown_and_kept(question: Field, value: Any) -> None:
    exercise = exercise_of(question)
    answer = {question.name: value}

    displayed_fields(exercise, answer)
    form = ExerciseForm(exercise, answer=answer)
    str(form)
    data = {name: form[name].value() for name in form.fields if form[name].value()}
    again = ExerciseForm(exercise, data)

    # What the form gives back otherwise than it was stays beside the new answer.
    if again.is_valid() and again.answer != answer:
        kept = fields_beyond_form(exercise, answer)
        assert kept.get(f"{question.name}_before") == value or _is_same(again.answer, answer)


def _is_same(one: Any, other: Any) -> bool:
    return sorted(_texts(one)) == sorted(_texts(other))


def test_answer_to_an_exercise_that_is_gone_is_still_shown() -> None:
    shown = displayed_fields(None, {"old_question": "my words", "rows": [{"a": "b"}], "empty": ""})

    assert [(field.label, field.shown.text) for field in shown] == [
        ("Old question", "my words"),
        ("Rows", ""),
    ]
    assert shown[1].shown.rows == (("b",),)


@cache
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
