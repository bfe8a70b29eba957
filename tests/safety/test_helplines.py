import re
from datetime import date
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from safety.helpline_types import (
    ALWAYS,
    Country,
    Emergency,
    Helpline,
    Kind,
    Number,
    Sms,
    Sourced,
)
from safety.helplines import FOLDER, countries, load

ALL = list(countries().values())
LINES = [(country.code, line) for country in ALL for line in country.lines]
EVERYTHING: list[tuple[str, Sourced]] = [
    *LINES,
    *((country.code, each) for country in ALL for each in country.emergency),
]

# The forms a number may have, by country: short codes and national freephone numbers.
FORMS = {
    "au": r"000|13 11 14|04\d\d \d\d \d\d \d\d|1800 \d{3} \d{3}|04\d\d \d{3} \d{3}",
    "ca": r"911|9-8-8|988|686868",
    "de": r"112|116 \d{3}|0800 1110(111|222)",
    "es": r"112|116 111|0\d\d|900( \d\d){3}",
    "fr": r"112|119|3\d{3}",
    "gb": r"999|116 123|0800 1111|0808 \d{4} \d{3}|0808 \d{3} \d{4}|85258",
    "ie": r"112|116 123|1800 \d{3} \d{3}",
    "in": r"112|181|1098|14416|1-800-\d{3}-\d{4}",
    "nl": r"112|113|0800-\d{4}",
    "nz": r"111|1737|0800 \d{3} \d{3,4}",
    "us": r"911|988|1-800-\d{3}-\d{4}|88788|20121",
    "za": r"112|116|10111|10177|0800 \d{3} \d{3}|31393",
}

ONE = """\
name: Somewhere
emergency:
  - number: "112"
    source: https://example.org/
    read_on: 2026-11-22
    checked_on: null
lines:
  - name: Somebody
    kind: crisis
    numbers: ["024"]
    sms: {number: "85 258", word: HELLO}
    hours: 09:00–23:00
    free: true
    source: https://www.example.org/numbers
    read_on: 2026-11-22
    checked_on: 2026-11-23
"""


WITHOUT_LINES = ONE[: ONE.index("lines:")]


def _numbers(country: Country) -> list[Number]:
    found = [each.number for each in country.emergency]
    for line in country.lines:
        found += [*line.numbers, *([line.sms.number] if line.sms else [])]
    return found


@pytest.mark.parametrize(("code", "found"), EVERYTHING)
def test_every_number_has_a_source_and_the_day_it_was_read(code: str, found: Sourced) -> None:
    assert re.fullmatch(r"https://[a-z0-9.-]+/\S*", found.source)
    assert type(found.read_on) is date


def test_nothing_claims_to_have_been_tried() -> None:
    assert {found.checked_on for _code, found in EVERYTHING} == {None}


@pytest.mark.parametrize("country", ALL, ids=lambda country: country.code)
def test_numbers_match_a_form_of_their_country(country: Country) -> None:
    unknown = [n.text for n in _numbers(country) if not re.fullmatch(FORMS[country.code], n.text)]

    assert unknown == []


@pytest.mark.parametrize("country", ALL, ids=lambda country: country.code)
def test_every_country_has_an_emergency_number_and_a_line_of_every_kind(country: Country) -> None:
    """The pages send people of every age, and people who are afraid, to the page of theirs."""
    assert country.emergency
    assert {line.kind for line in country.lines} == set(Kind)


def test_line_reported_out_of_service_is_not_published() -> None:
    published = {number.digits for country in ALL for number in _numbers(country)}

    assert "0800428428" not in published


def test_countries_are_sorted_by_name() -> None:
    assert [country.name for country in ALL] == sorted(country.name for country in ALL)


def test_file_becomes_a_country(tmp_path: Path) -> None:
    path = tmp_path / "xx.yaml"
    path.write_text(ONE, encoding="utf-8")
    read_on = date(2026, 11, 22)

    country = load(path)

    assert country == Country(
        code="xx",
        name="Somewhere",
        emergency=(
            Emergency(
                number=Number("112"),
                note="",
                source="https://example.org/",
                read_on=read_on,
                checked_on=None,
            ),
        ),
        lines=(
            Helpline(
                name="Somebody",
                kind=Kind.CRISIS,
                numbers=(Number("024"),),
                sms=Sms(Number("85 258"), "HELLO"),
                web="",
                hours="09:00–23:00",
                free=True,
                languages="",
                note="",
                source="https://www.example.org/numbers",
                read_on=read_on,
                checked_on=date(2026, 11, 23),
            ),
        ),
    )
    assert country.lines[0].numbers[0].href == "tel:024"
    assert country.lines[0].sms is not None
    assert country.lines[0].sms.href == "sms:85258?body=HELLO"
    assert country.lines[0].source_name == "example.org"
    [line] = country.lines
    assert country.by_kind() == [(Kind.CRISIS, [line]), (Kind.ABUSE, []), (Kind.YOUNG, [])]
    assert country.has_untried_numbers


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ('["024"]', "[024]", "line 10: “numbers” needs quotation marks around 024."),
        ('"112"', "112", "line 3: “number” needs quotation marks around 112."),
        ('["024"]', '"024"', "line 10: “numbers” is a list."),
        ('["024"]', "[[]]", "line 10: “numbers” is a list of words."),
        (
            '["024"]',
            '["02 4a"]',
            "line 10: “numbers” needs a number as it is dialled, and not “02 4a”.",
        ),
        ("kind: crisis", "kind: other", "line 9: “kind” is one of: abuse, crisis, young."),
        ("    kind: crisis\n", "", "line 8: “kind” is missing."),
        ("name: Somebody", "name: ''", "line 8: “name” needs words."),
        ("name: Somebody", "name: null", "line 8: “name” needs words."),
        ("09:00–23:00", "in the evening", "line 12: “hours” is “always”, or like 09:00–23:00."),
        ("HELLO", "hello", "line 11: “word” is in capital letters."),
        (
            '{number: "85 258", word: HELLO}',
            "85 258",
            "line 11: “sms” is missing or has no names in it.",
        ),
        ("https://www.example", "http://www.example", "line 14: “source” begins with https://."),
        ("    checked_on: null\n", "", "line 3: “checked_on” is missing."),
        (
            "checked_on: null",
            "checked_on: soon",
            "line 6: “checked_on” needs a day, as in 2026-11-22.",
        ),
        (
            "read_on: 2026-11-22",
            "read_on: 2026-13-22",
            "line 5: “read_on” needs a day, as in 2026-11-22.",
        ),
        ("read_on: 2026-11-22", "read_on: null", "line 5: “read_on” needs words."),
        ("free: true", "free: 'yes'", "line 13: “free” is either true or false."),
        ("free: true", "price: 1", "line 13: “price” is not a name that belongs here."),
        (
            "free: true",
            "kind: crisis",
            "line 13: “kind” stands here twice. Take one out; if this begins the next item of a"
            " list, put a hyphen and a space before it.",
        ),
        (
            "name: Somewhere",
            "name: [",
            "line 3: this line cannot be read. Put the text in straight quotation marks, and"
            " compare its indentation with the lines around it. If it has such marks, use “ ” and"
            " ’ inside it, and see that a text above it has its closing mark.",
        ),
        (ONE, "- 1\n", "line 1: there are no names in it."),
        (
            ONE[ONE.index("lines:") :],
            "lines: [1]\n",
            "line 7: “lines” is a list whose items have names.",
        ),
        (ONE, WITHOUT_LINES, "line 1: “lines” needs at least one line."),
    ],
)
def test_mistake_is_named_by_file_and_line(
    tmp_path: Path, before: str, after: str, problem: str
) -> None:
    assert before in ONE
    path = tmp_path / "xx.yaml"
    path.write_text(ONE.replace(before, after, 1), encoding="utf-8")

    with pytest.raises(ImproperlyConfigured) as caught:
        load(path)

    assert str(caught.value).splitlines()[0] == f"xx.yaml, {problem}"


def test_line_that_cannot_be_reached_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "xx.yaml"
    silent = ONE.replace('    numbers: ["024"]\n', "")
    path.write_text(re.sub(r"    sms: .*\n", "", silent), encoding="utf-8")

    with pytest.raises(ImproperlyConfigured, match="line 8: “numbers”, “sms” or “web” is missing"):
        load(path)


def test_file_is_named_after_its_country(tmp_path: Path) -> None:
    path = tmp_path / "somewhere.yaml"
    path.write_text(ONE, encoding="utf-8")

    with pytest.raises(ImproperlyConfigured, match="line 1: the file is named after an ISO"):
        load(path)


def test_every_file_is_read() -> None:
    assert sorted(countries()) == sorted(path.stem for path in FOLDER.glob("*"))


def test_always_is_the_only_word_for_hours() -> None:
    assert {line.hours for _code, line in LINES} <= {"", ALWAYS, "09:00–23:00"}
