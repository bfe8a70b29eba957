import pytest

from safety.yaml_records import DataFile, DataFileError, Record, read


def record(text: str) -> Record:
    file = DataFile("x.yaml")
    found = read(text, file=file, first_line=2)
    file.raise_mistakes()
    assert found
    return found


def test_text_stays_as_it_is_written() -> None:
    fields = record("a: no\nb: 024\nc: 2026-11-22\nd: ' e '\ne: >\n  two\n  lines\nf: [on, 1.0]\n")

    assert [fields.text(key) for key in "abcde"] == ["no", "024", "2026-11-22", "e", "two lines"]
    assert fields.texts("f") == ("on", "1.0")


def test_empty_value_is_optional_text_and_an_explicit_null_is_none() -> None:
    assert record("a:\n").text("a", "default") == ""
    for null in ("null", "~", "[a]"):
        fields = record(f"a: {null}\n")
        fields.text("a", "")
        assert str(*fields.file.mistakes) == "x.yaml, line 2: “a” needs words."


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("My #1 song", 3),
        ("#1 of my songs", 3),
        ("My songs #", 3),
        ("One of them, #1 on my list", 3),
        ("My\n    #1 song", 3),
        ("My\n    two\n    songs #1", 5),
        ("&more words", 3),
        ("&", 3),
        ("! so it goes", 3),
        ("!so it goes", 3),
        ("!!str so", 3),
    ],
)
@pytest.mark.parametrize("style", ["a: ok\nb: {}\nc: ok\n", "a: ok\nb: \n  - {}\n  - c\n"])
def test_words_that_would_get_lost_are_a_mistake(words: str, line: int, style: str) -> None:
    file = DataFile("x.yaml")
    fields = read(style.replace("{}", words), file=file, first_line=2)
    if fields:
        fields.words_or_list("b")

    [mistake, *_others] = file.mistakes
    assert mistake.line == line + style.startswith("a: ok\nb: \n")
    assert "in straight quotation marks" in mistake.problem or "cannot begin" in mistake.problem


@pytest.mark.parametrize(
    "text",
    [
        'b: "My #1 song"\n',
        "b: >\n  My\n  #1 song\n  & more ! so\n",
        "b: |\n  #1\n",
        "b: song#1 & so! *on\n",
        "# A note.\nb: words\n# Another note.\nc: words\n",
        'b: "words" # a note that takes nothing away\n',
    ],
)
def test_words_that_stay_whole_and_notes_are_no_mistake(text: str) -> None:
    fields = record(text)
    fields.text("b")
    fields.text("c", "")

    fields.finish()
    assert fields.file.mistakes == []


@pytest.mark.parametrize(
    "words",
    ["*all", "% of", "@home", "`x`", "[a] b", "{a} b", "> x", "| x", "- x", "? x", "a: b", '"a" b'],
)
def test_words_that_cannot_begin_like_this_say_what_to_do(words: str) -> None:
    with pytest.raises(DataFileError, match=r"line 2: .*quotation mark") as caught:
        record(f"a: {words}\n")
    assert "expected" not in str(caught.value), "YAML's own words help no editor"


@pytest.mark.parametrize(
    "words",
    ["yes", "no", "on", "off", "12", "1:30", "2026-01-01", "1e3", "0x1f", "1_000", "=", "."],
)
def test_words_that_yaml_would_convert_stay_words(words: str) -> None:
    assert record(f"a: {words}\n").words("a") == words


def test_key_that_is_not_taken_is_a_mistake_on_its_line() -> None:
    fields = record("a: 1\nb: 2\nc: 3\n")
    fields.text("a")
    fields.text("c")

    fields.finish()
    assert str(*fields.file.mistakes) == "x.yaml, line 3: “b” is not a name that belongs here."


def test_lines_are_those_of_the_file_in_nested_records_too() -> None:
    [first, second] = record("list:\n  - a: 1\n  -\n    a: 2\n").records("list")

    assert (first.line, second.line) == (3, 5)


@pytest.mark.parametrize("text", ["", "words", "- a\n", "null"])
def test_text_without_names_is_a_mistake(text: str) -> None:
    with pytest.raises(DataFileError, match="line 2: there are no names in it"):
        record(text)
