import re
import shutil
from pathlib import Path

import pytest

from healing.guide import FOLDER, guide, load
from healing.guide_lint import problems
from healing.guide_types import STEPS
from safety.yaml_records import DataFileError

LEARN = [
    "what-it-is",
    "what-it-does",
    "why-people-go-silent",
    "signs",
    "self-compassion",
    "voices",
    "when-to-walk-away",
    "how-healing-shows",
    "closing-words",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the English guide, for tests that change it."""
    return Path(shutil.copytree(FOLDER / "en", tmp_path / "healing" / "guide" / "en"))


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_guide_has_eight_steps_and_nine_readings() -> None:
    assert list(guide().steps) == list(STEPS)
    assert list(guide().readings) == LEARN
    assert set(guide().pages) == {"about", "privacy", "terms", "accessibility"}


@pytest.mark.parametrize("number", STEPS)
def test_step_has_everything_a_step_needs(number: int) -> None:
    step = guide().steps[number]

    assert step.exercises
    assert step.voice.words
    assert step.two_minutes
    assert step.closing
    assert step.minutes > 0
    assert len(step.headings) >= 2


def test_third_step_leads_to_the_desk() -> None:
    assert [exercise.desk for exercise in guide().steps[3].exercises] == [True]


def test_guide_has_no_lint_problems() -> None:
    assert list(problems(guide())) == []


def test_version_of_an_exercise_changes_with_any_word(folder: Path) -> None:
    before = load(folder).steps[1].exercises[0].version
    change(folder / "steps/1-acknowledge.md", "What stands out", "What stands forth")

    assert load(folder).steps[1].exercises[0].version != before


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("title: See", "titel: See", r"line 2: “title” is missing"),
        ("lead: ", "closing_words: x\nlead: ", r"line 3: “closing_words” is not a name"),
        ("minutes: 9", "minutes: nine", r"line 4: “minutes” needs a whole number"),
        ("kind: rows", "kind: columns", r"“kind” is one of: choice, date"),
        ("most: 5", "most: 50", r"“most” needs a whole number up to 10"),
        ("key: filling-in", "key: mark", r"“key” is a lower-case word that is not taken"),
        ("name: stands_out", "name: moments", r"two fields have the same name"),
        ("title: See", "title: a\ntitle: See", r"a key stands here twice"),
        ("voice:\n", "voice: none\nvoces:\n", r"cannot be read|“voice” is missing"),
        ("---\n", "", r"line 1: the file begins with front matter"),
        ("optional: true", "optional: perhaps", r"“optional” is either true or false"),
        ("title: See", "title: [", r"cannot be read"),
    ],
)
def test_mistake_is_named_by_file_and_line(folder: Path, old: str, new: str, problem: str) -> None:
    change(folder / "steps/1-acknowledge.md", old, new)

    with pytest.raises(DataFileError, match=r"1-acknowledge\.md, line \d+") as caught:
        load(folder)

    assert re.search(problem, str(caught.value))


def test_broken_link_is_found(folder: Path) -> None:
    change(folder / "learn/1-what-it-is.md", "](/", "](/nowhere/")

    (problem,) = problems(load(folder))
    assert "leads nowhere" in problem


def test_forbidden_word_is_found(folder: Path) -> None:
    change(folder / "steps/1-acknowledge.md", "title: See", "title: You should see")

    (problem,) = problems(load(folder))
    assert "“should”" in problem


def test_raw_html_is_escaped(folder: Path) -> None:
    path = folder / "pages/about.md"
    path.write_text(path.read_text() + "\n<script>alert(1)</script>\n")

    html = load(folder).pages["about"].html
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_exercise_is_added_without_python(folder: Path) -> None:
    change(
        folder / "steps/1-acknowledge.md",
        "exercises:\n",
        "exercises:\n"
        "  - key: name-it\n"
        "    title: Name it\n"
        "    minutes: 2\n"
        "    intro: One word is enough.\n"
        "    fields:\n"
        "      - {name: feeling, kind: several, label: Tonight, choices: [tired, sad]}\n",
    )

    step = load(folder).steps[1]
    assert [exercise.key for exercise in step.exercises] == ["name-it", "filling-in"]
    assert step.exercise("name-it").fields[0].choices == ("tired", "sad")
