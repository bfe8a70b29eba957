"""Load the helplines: one YAML file per country, read at start-up. A mistake stops the start."""

import re
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Any, cast

from safety.helpline_types import ALWAYS, Country, Emergency, Helpline, Kind, Number, Sms
from safety.yaml_records import DataFile, DataFileError, Record, read, read_text

FOLDER = Path(__file__).resolve().parent / "helplines"

# Digits, with single spaces or hyphens between groups, as the service itself prints them.
DIALLED = re.compile(r"\d+(?:[ -]\d+)*")
HOURS = re.compile(rf"{ALWAYS}|\d\d:\d\d–\d\d:\d\d")
SMS_WORD = re.compile(r"[A-Z]+")


@cache
def countries() -> dict[str, Country]:
    """Every country by its code, in the order of their names. Raises DataFileError."""
    loaded, mistakes = [], []
    for path in sorted(FOLDER.glob("*.yaml")):
        try:
            loaded.append(load(path))
        except DataFileError as error:
            mistakes += error.mistakes
    if mistakes:
        raise DataFileError(mistakes)
    return {country.code: country for country in sorted(loaded, key=attrgetter("name"))}


def load(path: Path) -> Country:
    """One country's file, named by its ISO code in lower case. Raises DataFileError."""
    file = DataFile(path.name)
    if not re.fullmatch(r"[a-z]{2}", path.stem):
        file.report(1, "the file is named after an ISO country code.")
    text = read_text(path, file=file)
    record = read(text, file=file) if text is not None else None
    country = _country(record, path.stem) if record else None
    file.raise_mistakes()
    return cast(Country, country)


def _country(record: Record, code: str) -> Country:
    country = Country(
        code=code,
        name=record.text("name"),
        emergency=tuple(_emergency(each) for each in record.records("emergency")),
        lines=tuple(_helpline(each) for each in record.records("lines")),
    )
    if not country.emergency:
        record.report("“emergency” needs at least one number.", "emergency")
    if not country.lines:
        record.report("“lines” needs at least one line.", "lines")
    record.finish()
    return country


def _emergency(record: Record) -> Emergency:
    emergency = Emergency(
        number=_number(record, "number"), note=record.text("note", ""), **_source(record)
    )
    record.finish()
    return emergency


def _helpline(record: Record) -> Helpline:
    helpline = Helpline(
        name=record.text("name"),
        kind=Kind(record.one_of("kind", set(Kind.values))),
        numbers=tuple(_dialled(record, "numbers", text) for text in record.quoted_texts("numbers")),
        sms=_sms(record.record("sms")) if "sms" in record else None,
        web=record.https_url("web", ""),
        hours=record.text("hours", ""),
        free=record.flag("free") if "free" in record else None,
        languages=record.text("languages", ""),
        note=record.text("note", ""),
        **_source(record),
    )
    if helpline.hours and not HOURS.fullmatch(helpline.hours):
        record.report(f"“hours” is “{ALWAYS}”, or like 09:00–23:00.", "hours")
    if not (helpline.numbers or helpline.sms or helpline.web):
        record.report("“numbers”, “sms” or “web” is missing.")
    record.finish()
    return helpline


def _sms(record: Record) -> Sms:
    sms = Sms(_number(record, "number"), record.text("word", ""))
    if sms.word and not SMS_WORD.fullmatch(sms.word):
        record.report("“word” is in capital letters.", "word")
    record.finish()
    return sms


def _number(record: Record, key: str) -> Number:
    return _dialled(record, key, record.quoted_text(key))


def _dialled(record: Record, key: str, text: str) -> Number:
    if not DIALLED.fullmatch(text):
        record.report(f"“{key}” needs a number as it is dialled, and not “{text}”.", key)
    return Number(text)


def _source(record: Record) -> dict[str, Any]:
    return {
        "source": record.https_url("source"),
        "read_on": record.day("read_on"),
        "checked_on": record.day_or_null("checked_on"),
    }
