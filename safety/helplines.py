"""Helplines as data: a file per country, read at start-up. A mistake stops the start."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import yaml
from django.core.exceptions import ImproperlyConfigured
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

FOLDER = Path(__file__).resolve().parent / "helplines"
ALWAYS = "always"

# As printed by those who answer it: digits, with single spaces or hyphens between groups.
DIALLED = re.compile(r"\d+(?:[ -]\d+)*")
HOURS = re.compile(r"\d\d:\d\d–\d\d:\d\d")
WORD = re.compile(r"[A-Z]+")

T = TypeVar("T")


class Kind(TextChoices):
    CRISIS = "crisis", _("When it is too much, or you think of ending your life")
    ABUSE = "abuse", _("When you are afraid of someone, or hurt or controlled")
    YOUNG = "young", _("For children and young people")


def site_name(address: str) -> str:
    return (urlsplit(address).hostname or "").removeprefix("www.")


@dataclass(frozen=True)
class Number:
    """A number as it is dialled inside the country."""

    text: str

    @property
    def digits(self) -> str:
        return re.sub(r"\D", "", self.text)

    @property
    def href(self) -> str:
        return f"tel:{self.digits}"

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Sms:
    """Where to text, and the word some services want first."""

    number: Number
    word: str = ""

    @property
    def href(self) -> str:
        return f"sms:{self.number.digits}" + (f"?body={self.word}" if self.word else "")


@dataclass(frozen=True, kw_only=True)
class Found:
    """Where we read it, when, and when one of us last tried it (None: not yet)."""

    source: str
    read_on: date
    checked_on: date | None

    @property
    def source_name(self) -> str:
        return site_name(self.source)


@dataclass(frozen=True, kw_only=True)
class Emergency(Found):
    number: Number
    note: str


@dataclass(frozen=True, kw_only=True)
class Line(Found):
    name: str
    kind: Kind
    numbers: tuple[Number, ...]
    sms: Sms | None
    web: str
    hours: str  # ALWAYS, “09:00–23:00”, or empty when we do not know
    free: bool | None
    languages: str
    note: str

    @property
    def is_always_open(self) -> bool:
        return self.hours == ALWAYS

    @property
    def web_name(self) -> str:
        return site_name(self.web)


@dataclass(frozen=True, kw_only=True)
class Country:
    code: str
    name: str
    emergency: tuple[Emergency, ...]
    lines: tuple[Line, ...]

    def by_kind(self) -> list[tuple[Kind, list[Line]]]:
        kinds = [(kind, [line for line in self.lines if line.kind == kind]) for kind in Kind]
        return [(kind, lines) for kind, lines in kinds if lines]

    @property
    def has_abuse_line(self) -> bool:
        return any(line.kind == Kind.ABUSE for line in self.lines)


# --- Reading ---------------------------------------------------------------------------------


class _Loader(yaml.SafeLoader):
    """Keeps each mapping's line, and refuses a key that is written twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        mapping = super().construct_mapping(node, deep=deep)
        line = node.start_mark.line + 1
        if len(mapping) != len(node.value):
            problem = "a field is written twice"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
        return {**mapping, _LINE: line}


_LINE = object()


class _Fields:
    """One mapping of a file, taken field by field; whatever is left over is a mistake."""

    def __init__(self, path: Path, values: Any, line: int = 1) -> None:
        self.path = path
        if not isinstance(values, dict):
            raise mistake(path, line, "expected fields here")
        self.values = dict(values)
        self.line: int = self.values.pop(_LINE)

    def wrong(self, field: str, problem: str) -> ImproperlyConfigured:
        return mistake(self.path, self.line, f"{field} {problem}")

    def take(self, field: str, kind: type[T], default: T | None = None) -> T:
        value = self.values.pop(field, default)
        # Unquoted, 024 would be the number twenty and 000 would be zero.
        if type(value) is not kind:
            raise self.wrong(field, "is missing" if value is None else f"must be {kind.__name__}")
        return value

    def text(self, field: str, pattern: re.Pattern[str] | None = None, *, default: str = "") -> str:
        value = self.take(field, str, default)
        if value and pattern and not pattern.fullmatch(value):
            raise self.wrong(field, f"has an unknown form: {value!r}")
        return value

    def needed(self, field: str, pattern: re.Pattern[str] | None = None) -> str:
        value = self.text(field, pattern)
        if not value:
            raise self.wrong(field, "is missing")
        return value

    def web(self, field: str) -> str:
        value = self.text(field)
        if value and not (value.startswith("https://") and urlsplit(value).hostname):
            raise self.wrong(field, "must be an https address")
        return value

    def day(self, field: str) -> date | None:
        if field not in self.values:
            raise self.wrong(field, "is missing")
        value = self.values.pop(field)
        if value is not None and type(value) is not date:
            raise self.wrong(field, "must be a date")
        return value

    def number(self, text: Any, field: str) -> Number:
        if not isinstance(text, str) or not DIALLED.fullmatch(text):
            raise self.wrong(field, f"must be a number in quotes, as dialled: {text!r}")
        return Number(text)

    def each(self, field: str) -> Iterator["_Fields"]:
        for values in self.take(field, list):
            yield _Fields(self.path, values, self.line)

    def found(self) -> dict[str, Any]:
        source, read_on = self.web("source"), self.day("read_on")
        if not source or read_on is None:
            raise self.wrong("source and read_on", "are missing")
        return {"source": source, "read_on": read_on, "checked_on": self.day("checked_on")}

    def end(self) -> None:
        if self.values:
            raise self.wrong(", ".join(map(str, self.values)), "is not a field we know")


def mistake(path: Path, line: int, problem: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{path.name}, line {line}: {problem}")


def _emergency(fields: _Fields) -> Emergency:
    number = fields.number(fields.take("number", str), "number")
    emergency = Emergency(number=number, note=fields.text("note"), **fields.found())
    fields.end()
    return emergency


def _sms(fields: _Fields) -> Sms | None:
    if "sms" not in fields.values:
        return None
    inner = _Fields(fields.path, fields.values.pop("sms"), fields.line)
    sms = Sms(inner.number(inner.take("number", str), "sms number"), inner.text("word", WORD))
    inner.end()
    return sms


def _line(fields: _Fields) -> Line:
    kind = fields.needed("kind")
    if kind not in Kind.values:
        raise fields.wrong("kind", f"is unknown: {kind!r}")
    hours = fields.text("hours")
    if hours not in {"", ALWAYS} and not HOURS.fullmatch(hours):
        raise fields.wrong("hours", f"has an unknown form: {hours!r}")
    line = Line(
        name=fields.needed("name"),
        kind=Kind(kind),
        numbers=tuple(fields.number(text, "numbers") for text in fields.take("numbers", list, [])),
        sms=_sms(fields),
        web=fields.web("web"),
        hours=hours,
        free=fields.take("free", bool) if "free" in fields.values else None,
        languages=fields.text("languages"),
        note=fields.text("note"),
        **fields.found(),
    )
    if not (line.numbers or line.sms or line.web):
        raise fields.wrong("numbers, sms or web", "is missing")
    fields.end()
    return line


def read(path: Path) -> Country:
    """One country's file; its name is the country's ISO code in lower case."""
    if not re.fullmatch(r"[a-z]{2}", path.stem):
        raise mistake(path, 1, "the file must be named after an ISO country code")
    try:
        values = _Loader(path.read_text(encoding="utf-8")).get_single_data()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise mistake(path, line, error.problem or "not YAML") from error
    fields = _Fields(path, values)
    country = Country(
        code=path.stem,
        name=fields.needed("name"),
        emergency=tuple(_emergency(each) for each in fields.each("emergency")),
        lines=tuple(_line(each) for each in fields.each("lines")),
    )
    if not country.emergency:
        raise fields.wrong("emergency", "needs at least one number")
    fields.end()
    return country


@cache
def countries() -> dict[str, Country]:
    """Every country by its code, in the order of their names."""
    found = sorted((read(path) for path in FOLDER.glob("*.yaml")), key=lambda each: each.name)
    return {country.code: country for country in found}
