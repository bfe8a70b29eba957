"""Load the guide: Markdown files with YAML front matter, read and checked once per process.

`healing/guide/<language>/{steps,learn,pages}/*.md` hold every word and every exercise (ADR 7). A
mistake stops the start with a sentence that names file and line.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings

from healing.guide_types import STEPS, Exercise, Field, Guide, Page, Reading, Source, Step, Voice
from healing.markdown import Rendered, render
from safety.yaml_records import DataFileError, Record, read

FOLDER = Path(__file__).parent / "guide"
# Exercise keys are parts of URLs: these are taken by other pages of a step.
RESERVED_KEYS = {"mark"}

DEFAULT_LIMITS = {"text": 200, "long": 5000, "lines": 200}
FIELD_KINDS = {"text", "long", "lines", "choice", "several", "date", "rows"}
COLUMN_KINDS = {"text", "long", "date"}
MAX_ROWS = 10


def load(folder: Path) -> Guide:
    """One language's guide. Raises DataFileError at the first mistake."""
    steps = {step.number: step for step in map(_step, sorted(folder.glob("steps/*.md")))}
    readings = sorted(folder.glob("learn/*.md"), key=_leading_number)
    return Guide(
        language=folder.name,
        steps=steps,
        readings={reading.slug: reading for reading in map(_reading, readings)},
        pages={page.slug: page for page in map(_page, sorted(folder.glob("pages/*.md")))},
    )


@cache
def guide() -> Guide:
    """The guide in the product's language. Raises DataFileError."""
    folder = FOLDER / settings.LANGUAGE_CODE
    loaded = load(folder)
    for number in STEPS:
        if number not in loaded.steps:
            missing = folder / "steps" / f"{number}-….md"
            raise DataFileError(_display_path(missing), 1, "this step is missing.")
    return loaded


def _page(path: Path) -> Page:
    record, body = _front_matter_and_body(path)
    page = Page(**_page_attributes(path, record, body))
    record.finish()
    return page


def _reading(path: Path) -> Reading:
    record, body = _front_matter_and_body(path)
    reading = Reading(**_page_attributes(path, record, body), **_reading_attributes(record))
    record.finish()
    return reading


def _step(path: Path) -> Step:
    record, body = _front_matter_and_body(path)
    step = Step(
        **_page_attributes(path, record, body),
        **_reading_attributes(record),
        number=_leading_number(path),
        voice=_voice(record.record("voice")),
        two_minutes=record.text("two_minutes"),
        closing=record.text("closing"),
        exercises=tuple(_exercise(each) for each in record.records("exercises")),
    )
    if not step.exercises:
        raise record.mistake("“exercises” is missing.")
    record.finish()
    return step


def _front_matter_and_body(path: Path) -> tuple[Record, Rendered]:
    text = path.read_text(encoding="utf-8")
    before, _, rest = text.partition("---\n")
    front_matter, end, body = rest.partition("\n---\n")
    if before or not end:
        problem = "the file begins with front matter between lines of ---."
        raise DataFileError(_display_path(path), 1, problem)
    return read(front_matter, file=_display_path(path), first_line=2), render(body)


def _display_path(path: Path) -> str:
    """`guide/en/steps/1-acknowledge.md`."""
    return str(path.relative_to(path.parents[3]))


def _leading_number(path: Path) -> int:
    number = path.stem.partition("-")[0]
    if not number.isdecimal():
        raise DataFileError(_display_path(path), 1, "the file's name begins with its number.")
    return int(number)


def _page_attributes(path: Path, record: Record, body: Rendered) -> dict[str, Any]:
    return {
        "slug": re.sub(r"^\d+-", "", path.stem),
        "title": record.text("title"),
        "lead": record.text("lead"),
        "html": body.html,
        "headings": body.headings,
    }


def _reading_attributes(record: Record) -> dict[str, Any]:
    return {
        "minutes": record.number("minutes"),
        "care": record.text("care", ""),
        "sources": tuple(_source(each) for each in record.records("sources")),
    }


def _source(record: Record) -> Source:
    source = Source(text=record.text("text"), url=record.https_url("url", ""))
    record.finish()
    return source


def _voice(record: Record) -> Voice:
    voice = Voice(who=record.text("who"), words=record.text("words"))
    record.finish()
    return voice


def _exercise(record: Record) -> Exercise:
    exercise = Exercise(
        key=record.text("key"),
        title=record.text("title"),
        minutes=record.number("minutes"),
        intro=record.text("intro"),
        care=record.text("care", ""),
        fields=tuple(_field(each, FIELD_KINDS) for each in record.records("fields")),
        makes=record.text("makes", ""),
        kept=record.text("kept", ""),
        desk=record.flag("desk"),
    )
    if not re.fullmatch(r"[a-z][a-z-]*", exercise.key) or exercise.key in RESERVED_KEYS:
        raise record.mistake("“key” is a lower-case word that is not taken.", "key")
    names = {field.name for field in exercise.fields}
    if len(names) < len(exercise.fields):
        raise record.mistake("two fields have the same name.", "fields")
    if not exercise.sentence_fields <= names:
        raise record.mistake("“makes” uses a name that no field has.", "makes")
    if exercise.desk == bool(exercise.fields):
        raise record.mistake("an exercise has fields, or it is the desk.", "fields")
    record.finish()
    return exercise


def _field(record: Record, kinds: set[str]) -> Field:
    kind = record.one_of("kind", kinds)
    field = Field(
        name=record.text("name"),
        kind=kind,
        label=record.text("label"),
        hint=record.text("hint", ""),
        limit=record.number("limit", DEFAULT_LIMITS.get(kind, 0)),
        most=record.number("most", 3 if kind in {"lines", "rows"} else 0, most=MAX_ROWS),
        choices=record.texts("choices"),
        columns=tuple(_field(column, COLUMN_KINDS) for column in record.records("columns")),
        optional=record.flag("optional"),
    )
    if not re.fullmatch(r"[a-z][a-z_]*", field.name) or field.name == "id":
        raise record.mistake("“name” is a lower-case word, and not id.", "name")
    if (kind in {"choice", "several"}) != bool(field.choices):
        raise record.mistake("“choices” belong to the kinds choice and several.", "choices")
    if (kind == "rows") != bool(field.columns):
        raise record.mistake("“columns” belong to the kind rows.", "columns")
    record.finish()
    return field
