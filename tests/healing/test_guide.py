import re
import shutil
from dataclasses import fields
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import translation

from healing.exercise_loader import FIELD_KINDS
from healing.guide import guide
from healing.guide_files import load_guides
from healing.guide_lint import problems
from healing.guide_loader import GuideFolder, hash_of
from healing.guide_types import STEPS, Choice, Exercise, Field, Guide
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
    return Path(shutil.copytree(settings.GUIDE_FOLDER / "en", tmp_path / "guide" / "en"))


def load(folder: Path) -> Guide:
    return load_guides(folder.parent)["en"]


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_guide_has_eight_steps_and_nine_readings() -> None:
    assert list(guide().steps) == list(STEPS)
    assert list(guide().readings) == LEARN
    assert set(guide().pages) == {"about", "privacy", "terms", "accessibility", "where"}


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
    assert [exercise.desk for exercise in guide().steps[3].exercises] == [
        "them",
        "plain",
        "evenings",
    ]


def test_guide_has_no_lint_problems() -> None:
    assert list(problems(GuideFolder(settings.GUIDE_FOLDER / "en"))) == []


def test_version_of_an_exercise_changes_with_any_word(folder: Path) -> None:
    before = load(folder).steps[1].exercises[0].version
    change(folder / "steps/1-acknowledge.md", "What stands out", "What stands forth")

    assert load(folder).steps[1].exercises[0].version != before


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("title: See", "titel: See", "line 2: “title” is missing."),
        ("lead: ", "closing_words: x\nlead: ", "line 3: “closing_words” is not a name"),
        ("minutes: 9", "minutes: nine", "line 4: “minutes” needs a whole number"),
        (
            "kind: rows",
            "kind: columns",
            "“kind” is one of: checklist, choice, country, date, grid,",
        ),
        ("most: 5", "most: 50", "“most” needs a whole number from 1 to 10"),
        ("key: filling-in", "key: mark", "“key” has only lower-case letters and hyphens, no space"),
        ("key: filling-in", "key: Filling in", "and hyphens, no space, and is not “mark”."),
        ("name: stands_out", "name: Stands", "“name” has only lower-case letters and underscores"),
        ("most: 5", "most: 0", "“most” needs a whole number from 1 to 10, in digits and alone."),
        ("lead: ", "lead:", "line 3: this line has no name with a colon and a space."),
        ("    kept:", "    makes: I see.\n    kept:", "“makes” has no blank: the “name” of"),
        ("    kept:", '    makes: "{ act }"\n    kept:', "a blank in “makes” is the “name”"),
        ("name: stands_out", "name: moments", "two fields have the same name."),
        ("title: See", "title: a\ntitle: See", "line 3: “title” stands here twice. Take one out;"),
        ("voice:\n", "voice: none\nvoces:\n", "“voice” is missing or has no names in it."),
        ("---\n", "", "line 1: the first line of the file is three hyphens"),
        ("optional: true", "optional: perhaps", "“optional” is either true or false."),
        ("title: See", "title: [", "this line cannot be read. Put the text in straight quotation"),
        ("title: See", "title: {a: b: c}", "line 2: something between { and } cannot be read."),
        ("title: See", "a, b: c", "“a, b” is not a name that belongs here. If it is part of"),
        ("title: See", "title: Two: see", "line 2: a colon and a space stand inside this text."),
        ("title: See", "title: 'See", "line 2: a quotation mark opens here and is never closed."),
        ("title: See", "title: &see", "line 2: a text cannot begin with &, * or an exclamation"),
        ("title: See", "title: Now #1: see", "line 2: a # after a space begins a note, and"),
        (
            "Take them in any order",
            "Take #1 first",
            "line 33: a # after a space begins a note, and",
        ),
        (
            "label: What happened,",
            "label: What #1 is,",
            "something between { and } cannot be read.",
        ),
        ('text: "Sommer', 'text: Sommer #1\n    url: "https', "a # after a space begins a"),
        ("title: See", "title: *see", "line 2: a text cannot begin with * or &."),
        ("title: See", "title: `see`", "line 2: a text cannot begin with this sign"),
        ("title: See", "title: \x07", "line 2: an invisible character stands here."),
        (
            "    minutes: 5",
            "    minutes: 10",
            "line 4: “filling-in” takes longer than the whole step.",
        ),
        ("    kept:", "    fields: []\n    kept:", "“fields” stands here twice. Take one out;"),
        ("    public: true", "    public: yes please", "“public” is either true or false."),
        (
            "    public: true",
            "    public: true\n    once_a: day",
            "“public” does not go with “desk”, “once_a”, “closes_after”, “asked_again” or",
        ),
        (
            "    public: true",
            "    public: true\n    question_a_page: true",
            "“question_a_page” needs two fields or more, and does not go with “public” or",
        ),
        (
            "    reply:",
            "    question_a_page: true\n    reply:",
            "“question_a_page” needs two fields",
        ),
        ("    reply:", "    question_a_page: soon\n    reply:", "“question_a_page” is either true"),
        ("    reply:", "    prints: paper\n    reply:", "“prints” is either true or false."),
        ("    reply:", "    lines_first: no\n    reply:", "“lines_first” is either true or false."),
        ("::: why", "::: what", "“::: what” is not known. There is: ::: why."),
        ("about: signs", "about: talk", "“about” in “reply” is the name of a field of the kind"),
        ("familiar: [often", "familiar: [daily", "“familiar” in “reply” is a list of choices of"),
        ("several: 3", "several: 9", "“several” in “reply” is a number of its lines, 2 or more."),
        ("      always: >", "      ever: >", "“always” is missing."),
        (
            "    reply:",
            "    not_after: [night]\n    reply:",
            "“not_after” is a list of: safety, why.",
        ),
        (
            "    reply:",
            "    first_after: [no]\n    reply:",
            "“first_after” is a list of: safety, why.",
        ),
        (
            "    reply:",
            "    not_after: [why]\n    first_after: [why]\n    reply:",
            "“not_after” and “first_after” have the same word.",
        ),
        ("    reply:", "    asks_first: night\n    reply:", "“asks_first” is one of: safety."),
        ("        limit: 2000", "        only_if: cold", "“only_if” is a choice of a field above"),
    ],
)
def test_mistake_is_named_by_file_and_line(folder: Path, old: str, new: str, problem: str) -> None:
    change(folder / "steps/1-acknowledge.md", old, new)

    with pytest.raises(DataFileError) as caught:
        load(folder)

    assert problem in str(caught.value)
    assert re.match(r"guide/en/steps/1-acknowledge\.md, line \d+: ", str(caught.value))


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        (
            "steps/2-stop-chasing.md",
            "name: on_day, kind: date, only_if",
            "name: ring, kind: lines, only_if",
            "a field with “only_if” has one of the kinds: date, long, text, time.",
        ),
        (
            "steps/2-stop-chasing.md",
            "bell: {minutes: 15,",
            "bell: {minutes: 61,",
            "“minutes” needs a whole number from 1 to 60",
        ),
        (
            "steps/2-stop-chasing.md",
            "bell: {",
            "bell: 15\n      ring: {",
            "“bell” is missing or has no",
        ),
        ("steps/2-stop-chasing.md", 'words: "That', 'say: "That', "“words” is missing."),
        ("steps/1-acknowledge.md", "hint: Take", "nobody: Take", "“nobody” is not a name that"),
        (
            "steps/2-stop-chasing.md",
            "without_a_day: tomorrow",
            "without_a_day: today",
            "“without_a_day” is one of: tomorrow.",
        ),
        (
            "steps/3-express.md",
            "    desk: them\n",
            "    desk: them\n    prints: true\n",
            "“prints” does not go with “desk”: a letter has its own button.",
        ),
        (
            "steps/6-support.md",
            "kind: country",
            "kind: land",
            "“kind” is one of: checklist, choice, country,",
        ),
        ("pages/where.md", "hurts:", "hurting:", "“hurts” is missing."),
        ("pages/where.md", "    places:", "    place:", "each of “hurts” has 3 places."),
        ("pages/where.md", "        reason: W", "        why: W", "“reason” is missing."),
    ],
)
def test_mistake_in_a_guard_rail_or_signpost_is_named(
    folder: Path, file: str, old: str, new: str, problem: str
) -> None:
    change(folder / file, old, new)

    with pytest.raises(DataFileError) as caught:
        load(folder)

    assert problem in str(caught.value)
    assert re.search(rf"guide/en/{re.escape(file)}, line \d+: ", str(caught.value))


@pytest.mark.parametrize("path", ["/steps/2/no-such/", "/learn/no-such/", "/nowhere/"])
def test_place_that_leads_nowhere_is_found(folder: Path, path: str) -> None:
    change(folder / "pages/where.md", "/steps/2/if-then/", path)

    found = [problem for problem in problems(GuideFolder(folder)) if path in str(problem)]
    assert len(found) == 1
    assert "guide/en/pages/where.md, line 8: " in str(found[0])


def test_closing_mark_that_is_missing_is_found(folder: Path) -> None:
    file = folder / "steps/1-acknowledge.md"
    before, _, _ = file.read_text().partition("why.\n:::\n")
    opened = before[: before.rindex("\n:::")].count("\n") + 2
    change(file, "why.\n:::\n", "why.\n")

    with pytest.raises(DataFileError, match=rf"line {opened}: this ::: is never closed"):
        load(folder)


def test_all_mistakes_of_all_files_are_told_at_once(folder: Path) -> None:
    change(folder / "steps/1-acknowledge.md", "title: See", "titel: See")
    change(folder / "steps/1-acknowledge.md", "most: 5", "most: many")
    change(folder / "learn/1-what-it-is.md", "minutes: ", "minutes: a")
    (folder / "pages/about.md").write_bytes("---\ntitle: Über\n---\n".encode("latin-1"))

    with pytest.raises(DataFileError) as caught:
        load(folder)

    assert [(mistake.file, mistake.line) for mistake in caught.value.mistakes] == [
        ("guide/en/steps/1-acknowledge.md", 2),
        ("guide/en/steps/1-acknowledge.md", 34),
        ("guide/en/steps/1-acknowledge.md", 2),
        ("guide/en/learn/1-what-it-is.md", 4),
        ("guide/en/pages/about.md", 2),
    ]


def test_steps_are_the_eight_of_them_and_each_has_one_file(folder: Path) -> None:
    text = (folder / "steps/8-resilience.md").read_text()
    for name in ("8-again.md", "9-more.md", "more.md"):
        (folder / "steps" / name).write_text(text)
    (folder / "steps/4-reconnect.md").unlink()

    with pytest.raises(DataFileError) as caught:
        load(folder)

    assert {str(mistake) for mistake in caught.value.mistakes} >= {
        "guide/en/steps/8-resilience.md, line 1: 8-again.md has the same number.",
        "guide/en/steps/9-more.md, line 1: the number 9 is not one of 1 to 8.",
        "guide/en/steps/more.md, line 1: the file’s name begins with its number, as in"
        " 1-acknowledge.md.",
        "guide/en/steps/4-….md, line 1: this step is missing.",
    }


def test_two_exercises_with_one_key_are_a_mistake(folder: Path) -> None:
    path = folder / "steps/1-acknowledge.md"
    text = path.read_text()
    exercise = text[text.index("  - key: filling-in") : text.index("---\n\n## When")]
    path.write_text(text.replace(exercise, exercise * 2))

    with pytest.raises(DataFileError, match="two exercises have the key “filling-in”"):
        load(folder)


def test_exercises_of_two_steps_have_different_keys(folder: Path) -> None:
    change(folder / "steps/2-stop-chasing.md", "key: hoping", "key: filling-in")

    with pytest.raises(DataFileError) as caught:
        load(folder)

    assert str(caught.value) == (
        "guide/en/steps/2-stop-chasing.md, line 1: steps/1-acknowledge.md has an exercise with the"
        " key “filling-in” too."
    )


def test_windows_line_endings_and_a_byte_order_mark_are_read(folder: Path) -> None:
    path = folder / "steps/1-acknowledge.md"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))

    assert load(folder) == guide()


def test_broken_link_is_found(folder: Path) -> None:
    change(folder / "learn/1-what-it-is.md", "](/", "](/nowhere/")

    (problem,) = problems(GuideFolder(folder))
    assert str(problem) == (
        "guide/en/learn/1-what-it-is.md, line 52: the link /nowhere/learn/what-it-does/ leads"
        " nowhere."
    )


def test_forbidden_word_is_found(folder: Path) -> None:
    change(folder / "steps/1-acknowledge.md", "title: See", "title: You should see")

    (problem,) = problems(GuideFolder(folder))
    assert str(problem) == (
        "guide/en/steps/1-acknowledge.md, line 2: “should” in: You should see what is happening"
    )


@pytest.mark.parametrize(
    "words",
    [
        "They will come back",
        "Perhaps they’ll write",
        "It is not your fault",
        "It wasn’t really your fault",
        "You will heal",
        "This will pass",
        "Ask if he called",
        "What her silence says",
        "For a wife or a husband",
    ],
)
def test_promise_or_gender_is_found(folder: Path, words: str) -> None:
    change(folder / "steps/1-acknowledge.md", "title: See what is happening", f"title: {words}")
    change(folder / "learn/1-what-it-is.md", "## ", f"{words}.\n\n## ")

    found = list(problems(GuideFolder(folder)))

    assert len(found) == 2
    assert all(re.search("“.*” in: ", str(problem)) for problem in found)


@pytest.mark.parametrize(
    ("file", "old", "words"),
    [
        ("steps/3-express.md", "She has never", "He has never"),
        ("learn/6-voices.md", "He still lived", "She still lived"),
        ("steps/6-support.md", "In her account", "In his account"),
        ("steps/1-acknowledge.md", "title: See what is happening", "title: They may be back"),
    ],
)
def test_voices_authors_and_chances_are_no_problem(
    folder: Path, file: str, old: str, words: str
) -> None:
    change(folder / file, old, words)

    assert list(problems(GuideFolder(folder))) == []


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
        "      - {name: feeling, kind: several, label: Tonight, choices: {tired: T, sad: S}}\n",
    )

    step = load(folder).steps[1]
    assert [exercise.key for exercise in step.exercises][:2] == ["name-it", "filling-in"]
    assert step.exercise("name-it").fields[0].choices == (
        Choice("tired", "T"),
        Choice("sad", "S"),
    )


def test_every_word_of_an_exercise_is_documented_once() -> None:
    words = {each.name for each in fields(Exercise)}
    words -= {"once_a_day", "closes_after_days", "closes_after_answers", "closed"}
    # That of its file.
    words -= {"language"}
    words |= {"once_a", "closes_after"}
    text = (settings.BASE_DIR / "docs/writing.md").read_text("utf-8")
    table = text[text.index("| `key` |") : text.index("\nA reply is words")]
    documented = [
        word
        for cell in re.findall(r"^\| (.*?) \|", table, re.M)
        for word in re.findall(r"`(\w+)", cell)
    ]
    assert sorted(documented) == sorted(words)
    kinds = re.findall(r"^\| `(\w+)`", text[text.index("| Kind |") :].partition("\n\n")[0], re.M)
    assert sorted(kinds) == sorted(FIELD_KINDS)
    for word in {each.name for each in fields(Field)} | {"without_a_day", "bell"}:
        assert re.search(rf"\b{word}\b", text), word


@pytest.fixture
def translated(folder: Path, settings: Any) -> Path:
    """A folder with an invented language, in which one step is translated."""
    original = folder / "steps/1-acknowledge.md"
    path = folder.parent / "xx" / "steps" / original.name
    path.parent.mkdir(parents=True)
    shutil.copy(original, path)
    change(path, "title: See what is happening", f"translates: {hash_of(original)}\ntitle: Vidu")
    change(path, "label: What stands out", "label: Kio elstaras")
    settings.GUIDE_FOLDER = folder.parent
    settings.LANGUAGES = [("en", "English"), ("xx", "Invented")]
    return path


def test_guide_follows_the_active_language_and_falls_back_page_by_page(translated: Path) -> None:
    with translation.override("xx"):
        step, other = guide().steps[1], guide().steps[2]

    assert (step.title, step.language) == ("Vidu", "xx")
    assert (other, other.language) == (guide("en").steps[2], "en")
    assert guide("en").steps[1].title == "See what is happening"
    assert guide("yy") == guide("en")


def test_status_tells_what_is_missing_and_what_has_changed(translated: Path) -> None:
    def states() -> dict[str, str]:
        output = StringIO()
        call_command("guide_status", stdout=output)
        lines = [line.split(": ") for line in output.getvalue().splitlines()]
        return {line[0]: line[1].partition(".")[0] for line in lines}

    assert "xx/steps/1-acknowledge.md" not in states()
    assert states()["xx/steps/2-stop-chasing.md"] == "not translated yet, or not readable"

    original = translated.parents[2] / "en/steps/1-acknowledge.md"
    change(original, "title: See", "title: Look: see".replace(":", "", 1))

    state = states()["xx/steps/1-acknowledge.md"]
    assert state == "has no such “translates”, or the English changed since"


def test_step_that_cannot_be_read_is_not_also_missing(folder: Path) -> None:
    change(folder / "steps/1-acknowledge.md", "title: See", "title: Two: see")

    with pytest.raises(DataFileError) as caught:
        load(folder)

    assert len(caught.value.mistakes) == 1


def test_metadata_that_never_ends_is_a_mistake(folder: Path) -> None:
    change(folder / "pages/terms.md", "\n---\n", "\n—\n")

    with pytest.raises(DataFileError, match="the metadata that begins here never ends"):
        load(folder)


def test_unknown_kind_is_one_mistake(folder: Path) -> None:
    change(folder / "steps/1-acknowledge.md", "kind: rows", "kind: columns")

    with pytest.raises(DataFileError) as caught:
        load(folder)

    assert [mistake for mistake in caught.value.mistakes if "own" in mistake.problem] == []


@pytest.mark.parametrize("name", ["1-what-it-is.md", "learn/1-what-it-is.md.txt"])
def test_file_that_nothing_reads_is_a_mistake(translated: Path, name: str) -> None:
    path = translated.parents[1] / name
    path.parent.mkdir(exist_ok=True)
    path.touch()

    with pytest.raises(DataFileError, match=f"guide/xx/{name}, line 1: nothing reads this file"):
        load_guides(translated.parents[2])


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("most: 5", "most: 4", "“filling-in” differs from the original in more than words: in"),
        ("name: stands_out", "name: elstaras", "“filling-in” differs from the original"),
        ("key: filling-in", "key: plenigo", "the exercises are not those of the original"),
    ],
)
def test_translation_that_would_break_answers_is_a_mistake(
    translated: Path, old: str, new: str, problem: str
) -> None:
    change(translated, old, new)

    with pytest.raises(DataFileError) as caught:
        guide()

    assert str(caught.value).startswith(f"guide/xx/steps/1-acknowledge.md, line 1: {problem}")


def test_translation_without_an_original_is_a_mistake(translated: Path) -> None:
    translated.rename(translated.with_name("1-vidu.md"))

    with pytest.raises(DataFileError, match=r"guide/en/steps/1-vidu\.md does not exist"):
        guide()


def test_command_tells_every_mistake_and_every_stumble(
    translated: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(translated, "minutes: 9", "minutes: 9\nminuto: 9")
    path = translated.parents[2] / "en/steps/2-stop-chasing.md"
    change(path, "hint: Small enough", "hint: You simply do it. Small enough")

    with pytest.raises(CommandError, match="2 to mend"):
        call_command("check_guide")

    assert capsys.readouterr().err.splitlines() == [
        "guide/en/steps/2-stop-chasing.md, line 139: “simply” in: You simply do it.",
        "guide/xx/steps/1-acknowledge.md, line 6: “minuto” is not a name that belongs here.",
    ]


def test_changed_file_is_read_again_only_where_that_is_wanted(folder: Path, settings: Any) -> None:
    settings.GUIDE_FOLDER = folder.parent
    before = guide().steps[1].title
    change(folder / "steps/1-acknowledge.md", before, "See it")
    assert guide().steps[1].title == before

    settings.GUIDE_RELOAD = True
    assert guide().steps[1].title == "See it"
    change(folder / "steps/1-acknowledge.md", "See it", "See it as it is")
    assert guide().steps[1].title == "See it as it is"
