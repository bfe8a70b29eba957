"""Load the guide of one language: Markdown files with YAML front matter (ADR 7).

`<language>/{steps,learn,pages}/*.md` hold every word and every exercise. All mistakes of all files
are found in one go, each with file and line.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from healing.exercise_loader import read_exercises
from healing.guide_types import (
    STEPS,
    Guide,
    Hurt,
    HurtsPage,
    Page,
    Place,
    Reading,
    Source,
    Step,
    Voice,
)
from healing.markdown import Rendered, render
from healing.piece_url_names import PIECES
from safety.yaml_records import DataFile, Mistake, Record, read, read_text

# How many suggestions belong to one sentence about what hurts.
PLACES = 3

PageType = TypeVar("PageType", bound=Page)


@dataclass(frozen=True)
class Passage:
    """Some words for readers, and where they stand."""

    file: str
    line: int
    words: str


@dataclass(frozen=True)
class Link:
    file: str
    line: int
    address: str


class GuideFolder:
    """The files of one language, as far as they can be read.

    `files` are the pages by the name of their file, such as `steps/1-acknowledge.md`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.language = folder.name
        self.mistakes: list[Mistake] = []
        self.passages: list[Passage] = []
        self.links: list[Link] = []
        self.files: dict[str, Page] = {}
        self.hashes: dict[str, str] = {}
        steps = self._pages("steps", _step)
        self.steps = {step.number: step for step in steps}
        self.readings = {page.slug: page for page in self._pages("learn", _reading)}
        self.pages = {page.slug: page for page in self._pages("pages", _page)}

    def guide(self) -> Guide:
        return Guide(self.language, self.steps, self.readings, self.pages)

    def _pages(self, kind: str, build: Callable[["_ParsedFile"], PageType]) -> list[PageType]:
        """The pages of one kind, in the order of their numbers."""
        pages: list[PageType] = []
        numbers: dict[int, str] = {}
        for path in sorted((self.folder / kind).glob("*.md"), key=_order):
            file = DataFile(f"guide/{self.language}/{kind}/{path.name}")
            parsed = _parse(path, file)
            if kind != "pages":
                _check_number(path, file, numbers, STEPS if kind == "steps" else range(1, 100))
            if parsed:
                pages.append(build(parsed))
                self.files[f"{kind}/{path.name}"] = pages[-1]
                self.links += [Link(file.name, *link) for link in parsed.links]
            self.hashes[f"{kind}/{path.name}"] = hash_of(path)
            self.mistakes += file.mistakes
            self.passages += [Passage(file.name, *words) for words in file.words]
        return pages


@dataclass(frozen=True)
class _ParsedFile:
    """A file whose front matter can be read."""

    path: Path
    record: Record
    body: Rendered
    links: list[tuple[int, str]]

    @property
    def language(self) -> str:
        return self.path.parents[1].name


def hash_of(path: Path) -> str:
    """What a translation of this file names as its original."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def _parse(path: Path, file: DataFile) -> _ParsedFile | None:
    text = read_text(path, file=file)
    if text is None:
        return None
    before, _, rest = text.partition("---\n")
    front_matter, end, body = rest.partition("\n---\n")
    if before or not rest:
        file.report(1, "the first line of the file is three hyphens, ---, and nothing else.")
        return None
    if not end:
        problem = "the metadata that begins here never ends. Put another line of --- below it."
        file.report(1, problem)
        return None
    record = read(front_matter, file=file, first_line=2)
    if record is None:
        return None
    rendered, first_line = render(body), front_matter.count("\n") + 4
    for line, problem in rendered.mistakes:
        file.report(line + first_line, problem)
    file.words += [(line + first_line, words) for line, words in rendered.passages]
    links = [(line + first_line, address) for line, address in rendered.links]
    return _ParsedFile(path, record, rendered, links)


def _page(parsed: _ParsedFile) -> Page:
    attributes = _page_attributes(parsed)
    page = Page(**attributes)
    if page.slug == "where":
        hurts = tuple(_hurt(each, parsed.links) for each in parsed.record.records("hurts"))
        if not hurts:
            parsed.record.report("“hurts” is missing.")
        page = HurtsPage(**attributes, hurts=hurts)
    parsed.record.finish()
    return page


def _hurt(record: Record, links: list[tuple[int, str]]) -> Hurt:
    places = []
    for place in record.records("places"):
        path = place.text("path")
        links.append((place.lines.get("path", place.line), path))
        places.append(Place(place.words("words"), path, place.words("reason")))
        place.finish()
    if len(places) != PLACES:
        record.report(f"each of “hurts” has {PLACES} places.", "places")
    hurt = Hurt(record.words("words"), tuple(places))
    record.finish()
    return hurt


def _reading(parsed: _ParsedFile) -> Reading:
    reading = Reading(**_page_attributes(parsed), **_reading_attributes(parsed.record))
    parsed.record.finish()
    return reading


def _step(parsed: _ParsedFile) -> Step:
    record = parsed.record
    step = Step(
        **_page_attributes(parsed),
        **_reading_attributes(record),
        number=_number(parsed.path) or 0,
        voice=_voice(record.record("voice")),
        two_minutes=record.words("two_minutes"),
        closing=record.words("closing"),
        exercises=read_exercises(record, language=parsed.language),
    )
    if not step.exercises:
        record.report("“exercises” is missing.")
    for exercise in step.exercises:
        if step.minutes and exercise.minutes > step.minutes:
            record.report(f"“{exercise.key}” takes longer than the whole step.", "minutes")
    record.finish()
    hidden = tuple(each for each in step.exercises if each.piece and not PIECES[each.piece])
    shown = tuple(each for each in step.exercises if each not in hidden)
    return replace(step, exercises=shown, hidden=hidden)


def _check_number(path: Path, file: DataFile, numbers: dict[int, str], allowed: range) -> None:
    number = _number(path)
    if number is None:
        file.report(1, "the file’s name begins with its number, as in 1-acknowledge.md.")
    elif number not in allowed:
        file.report(1, f"the number {number} is not one of {allowed[0]} to {allowed[-1]}.")
    elif number in numbers:
        file.report(1, f"{numbers[number]} has the same number.")
    else:
        numbers[number] = path.name


def _number(path: Path) -> int | None:
    number = path.stem.partition("-")[0]
    return int(number) if re.fullmatch(r"[0-9]{1,3}", number) else None


def _order(path: Path) -> tuple[int, str]:
    return _number(path) or 0, path.name


def _page_attributes(parsed: _ParsedFile) -> dict[str, Any]:
    return {
        "slug": re.sub(r"^\d+-", "", parsed.path.stem),
        "title": parsed.record.words("title"),
        "lead": parsed.record.words("lead"),
        "html": parsed.body.html,
        "headings": parsed.body.headings,
        "language": parsed.language,
        "translates": parsed.record.text("translates", ""),
    }


def _reading_attributes(record: Record) -> dict[str, Any]:
    return {
        "minutes": record.number("minutes"),
        "care": record.words("care", ""),
        "sources": tuple(_citation(each) for each in record.records("sources")),
    }


def _citation(record: Record) -> Source:
    source = Source(text=record.text("text"), url=record.https_url("url", ""))
    record.finish()
    return source


def _voice(record: Record) -> Voice:
    voice = Voice(who=record.words("who"), words=record.words("words"))
    record.finish()
    return voice
