"""The guide as data: Markdown files with YAML front matter, read and checked once.

`healing/guide/<language>/{steps,learn,pages}/*.md` hold every word and every exercise. A mistake in
a file stops the start with a sentence that names the file and the line.
"""

import hashlib
import json
import re
from collections.abc import Hashable, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

import yaml
from django.conf import settings
from django.utils.safestring import SafeString

from healing.markdown import Rendered, render

FOLDER = Path(__file__).parent / "guide"
STEPS = range(1, 9)
# Words that the addresses of a step use themselves.
RESERVED_KEYS = {"mark"}

DEFAULT_LIMITS = {"text": 200, "long": 5000, "lines": 200}
FIELD_KINDS = {"text", "long", "lines", "choice", "several", "date", "rows"}
COLUMN_KINDS = {"text", "long", "date"}
MOST_ROWS = 10


class GuideError(Exception):
    """A mistake in a guide file, said so that its writer can mend it."""

    def __init__(self, path: Path, line: int, problem: str) -> None:
        super().__init__(f"{path.relative_to(path.parents[3])}, line {line}: {problem}")


@dataclass(frozen=True)
class Field:
    """One question of an exercise. `limit` is in characters, `most` in rows."""

    name: str
    kind: str
    label: str
    hint: str = ""
    limit: int = 0
    most: int = 0
    choices: tuple[str, ...] = ()
    columns: tuple["Field", ...] = ()
    optional: bool = False


@dataclass(frozen=True)
class Exercise:
    """One exercise; `version` changes whenever any word of it does."""

    key: str
    title: str
    minutes: int
    intro: str
    care: str
    fields: tuple[Field, ...]
    makes: str
    kept: str
    desk: bool

    @property
    def version(self) -> str:
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def made_of(self) -> set[str]:
        """The fields that the finished sentence is built from."""
        return set(re.findall(r"{(\w+)}", self.makes))


@dataclass(frozen=True)
class Source:
    text: str
    url: str


@dataclass(frozen=True)
class Voice:
    who: str
    words: str


@dataclass(frozen=True)
class Page:
    """A page of the guide: words only."""

    slug: str
    title: str
    lead: str
    html: SafeString
    headings: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Reading(Page):
    """A learn page."""

    minutes: int
    care: str
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Step(Reading):
    """One of the eight steps."""

    number: int
    voice: Voice
    two_minutes: str
    closing: str
    exercises: tuple[Exercise, ...]

    def exercise(self, key: str) -> Exercise | None:
        return next((exercise for exercise in self.exercises if exercise.key == key), None)


@dataclass(frozen=True)
class Guide:
    language: str
    steps: dict[int, Step]
    readings: dict[str, Reading]
    pages: dict[str, Page]

    @property
    def desk(self) -> int:
        """The number of the step whose exercise is the writing desk."""
        return next(
            number
            for number, step in self.steps.items()
            if any(exercise.desk for exercise in step.exercises)
        )


class _Entry(dict[str, Any]):
    """A YAML mapping that knows its line, and the line of each of its keys."""

    line: int
    lines: dict[str, int]


class _Loader(yaml.BaseLoader):
    """Every scalar is a string: YAML's own ideas about `no`, `on` and dates stay out."""


def _construct_entry(loader: _Loader, node: yaml.MappingNode) -> Iterator[_Entry]:
    entry = _Entry()
    entry.line = node.start_mark.line + 1
    entry.lines = {key.value: key.start_mark.line + 1 for key, _ in node.value}
    yield entry
    if len(entry.lines) < len(node.value):
        raise yaml.MarkedYAMLError(None, None, "a key stands here twice", node.start_mark)
    pairs: dict[Hashable, Any] = loader.construct_mapping(node, deep=True)
    entry.update({str(key): value for key, value in pairs.items()})


_Loader.add_constructor("tag:yaml.org,2002:map", _construct_entry)


class _Taker:
    """Takes the values out of one mapping, and says by file and line what is wrong with it."""

    def __init__(self, path: Path, entry: _Entry) -> None:
        self.path = path
        self.entry = entry
        self.left = dict(entry)

    def wrong(self, problem: str, key: str = "") -> GuideError:
        # The front matter begins on the file's second line.
        return GuideError(self.path, self.entry.lines.get(key, self.entry.line) + 1, problem)

    def text(self, key: str, default: str | None = None) -> str:
        value = self.left.pop(key, default)
        if value is None:
            raise self.wrong(f"“{key}” is missing.")
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise self.wrong(f"“{key}” needs words.", key)
        return value.strip()

    def number(self, key: str, default: int | None = None, *, most: int = 120_000) -> int:
        value = self.text(key, None if default is None else str(default))
        if not value.isdecimal() or int(value) > most:
            raise self.wrong(f"“{key}” needs a whole number up to {most}.", key)
        return int(value)

    def flag(self, key: str) -> bool:
        value = self.text(key, "false")
        if value not in {"true", "false"}:
            raise self.wrong(f"“{key}” is either true or false.", key)
        return value == "true"

    def one_of(self, key: str, allowed: set[str]) -> str:
        value = self.text(key)
        if value not in allowed:
            raise self.wrong(f"“{key}” is one of: {', '.join(sorted(allowed))}.", key)
        return value

    def words(self, key: str) -> tuple[str, ...]:
        value = self.left.pop(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.wrong(f"“{key}” is a list of words.", key)
        return tuple(item.strip() for item in value)

    def one(self, key: str) -> Self:
        value = self.left.pop(key, None)
        if not isinstance(value, _Entry):
            raise self.wrong(f"“{key}” is missing or has no names in it.", key)
        return type(self)(self.path, value)

    def many(self, key: str) -> list[Self]:
        value = self.left.pop(key, [])
        if not isinstance(value, list) or not all(isinstance(item, _Entry) for item in value):
            raise self.wrong(f"“{key}” is a list whose items have names.", key)
        return [type(self)(self.path, item) for item in value]

    def done(self) -> None:
        for key in self.left:
            raise self.wrong(f"“{key}” is not a name that belongs here.", key)


def _field(taker: _Taker, kinds: set[str]) -> Field:
    kind = taker.one_of("kind", kinds)
    field = Field(
        name=taker.text("name"),
        kind=kind,
        label=taker.text("label"),
        hint=taker.text("hint", ""),
        limit=taker.number("limit", DEFAULT_LIMITS.get(kind, 0)),
        most=taker.number("most", 3 if kind in {"lines", "rows"} else 0, most=MOST_ROWS),
        choices=taker.words("choices"),
        columns=tuple(_field(column, COLUMN_KINDS) for column in taker.many("columns")),
        optional=taker.flag("optional"),
    )
    if not re.fullmatch(r"[a-z][a-z_]*", field.name) or field.name == "id":
        raise taker.wrong("“name” is a lower-case word, and not id.", "name")
    if (kind in {"choice", "several"}) != bool(field.choices):
        raise taker.wrong("“choices” belong to the kinds choice and several.", "choices")
    if (kind == "rows") != bool(field.columns):
        raise taker.wrong("“columns” belong to the kind rows.", "columns")
    taker.done()
    return field


def _exercise(taker: _Taker) -> Exercise:
    exercise = Exercise(
        key=taker.text("key"),
        title=taker.text("title"),
        minutes=taker.number("minutes"),
        intro=taker.text("intro"),
        care=taker.text("care", ""),
        fields=tuple(_field(field, FIELD_KINDS) for field in taker.many("fields")),
        makes=taker.text("makes", ""),
        kept=taker.text("kept", ""),
        desk=taker.flag("desk"),
    )
    if not re.fullmatch(r"[a-z][a-z-]*", exercise.key) or exercise.key in RESERVED_KEYS:
        raise taker.wrong("“key” is a lower-case word that is not taken.", "key")
    names = [field.name for field in exercise.fields]
    if len(set(names)) < len(names):
        raise taker.wrong("two fields have the same name.", "fields")
    if not exercise.made_of <= set(names):
        raise taker.wrong("“makes” uses a name that no field has.", "makes")
    if exercise.desk == bool(exercise.fields):
        raise taker.wrong("an exercise has fields, or it is the desk.", "fields")
    taker.done()
    return exercise


def _source(taker: _Taker) -> Source:
    source = Source(text=taker.text("text"), url=taker.text("url", ""))
    if source.url and not source.url.startswith("https://"):
        raise taker.wrong("“url” begins with https://.", "url")
    taker.done()
    return source


def _voice(taker: _Taker) -> Voice:
    voice = Voice(who=taker.text("who"), words=taker.text("words"))
    taker.done()
    return voice


def _page(path: Path) -> Page:
    taker, words = _open(path)
    page = Page(**_page_words(path, taker, words))
    taker.done()
    return page


def _reading(path: Path) -> Reading:
    taker, words = _open(path)
    reading = Reading(**_page_words(path, taker, words), **_reading_words(taker))
    taker.done()
    return reading


def _step(path: Path) -> Step:
    taker, words = _open(path)
    step = Step(
        **_page_words(path, taker, words),
        **_reading_words(taker),
        number=_number_of(path),
        voice=_voice(taker.one("voice")),
        two_minutes=taker.text("two_minutes"),
        closing=taker.text("closing"),
        exercises=tuple(_exercise(exercise) for exercise in taker.many("exercises")),
    )
    if not step.exercises:
        raise taker.wrong("“exercises” is missing.")
    taker.done()
    return step


def _page_words(path: Path, taker: _Taker, words: Rendered) -> dict[str, Any]:
    return {
        "slug": re.sub(r"^\d+-", "", path.stem),
        "title": taker.text("title"),
        "lead": taker.text("lead"),
        "html": words.html,
        "headings": words.headings,
    }


def _reading_words(taker: _Taker) -> dict[str, Any]:
    return {
        "minutes": taker.number("minutes"),
        "care": taker.text("care", ""),
        "sources": tuple(_source(source) for source in taker.many("sources")),
    }


def _number_of(path: Path) -> int:
    number = path.stem.partition("-")[0]
    if not number.isdecimal():
        raise GuideError(path, 1, "the file's name begins with its number.")
    return int(number)


def _open(path: Path) -> tuple[_Taker, Rendered]:
    """The front matter and the rendered body of one file."""
    text = path.read_text(encoding="utf-8")
    begin, _, rest = text.partition("---\n")
    matter, found, body = rest.partition("\n---\n")
    if begin or not found:
        raise GuideError(path, 1, "the file begins with front matter between lines of ---.")
    try:
        entry = yaml.load(matter, _Loader)  # noqa: S506 -- a BaseLoader: it makes strings only
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 2 if error.problem_mark else 1
        raise GuideError(path, line, f"cannot be read: {error.problem}.") from error
    if not isinstance(entry, _Entry):
        raise GuideError(path, 2, "the front matter has no names in it.")
    return _Taker(path, entry), render(body)


def load(folder: Path) -> Guide:
    """One language's guide. Raises GuideError at the first mistake."""
    steps = {step.number: step for step in map(_step, sorted(folder.glob("steps/*.md")))}
    readings = sorted(folder.glob("learn/*.md"), key=_number_of)
    return Guide(
        language=folder.name,
        steps=steps,
        readings={reading.slug: reading for reading in map(_reading, readings)},
        pages={page.slug: page for page in map(_page, sorted(folder.glob("pages/*.md")))},
    )


@cache
def guide() -> Guide:
    """The guide in the product's language, read once per process. Raises GuideError."""
    folder = FOLDER / settings.LANGUAGE_CODE
    found = load(folder)
    for number in STEPS:
        if number not in found.steps:
            raise GuideError(folder / "steps" / f"{number}-….md", 1, "this step is missing.")
    return found
