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
