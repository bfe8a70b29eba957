"""What the guide is made of: steps with their exercises, readings and pages."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass

from django.utils.safestring import SafeString

STEPS = range(1, 9)


@dataclass(frozen=True)
class Field:
    """One question of an exercise. `limit` is in characters; `most` counts rows, 0 without rows."""

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
    """One exercise. `makes` is a sentence with the names of fields in braces."""

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
        """A hash of every word of it, stored with each answer.

        The attribute names are hashed too: renaming one would give every stored answer an old
        version.
        """
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def sentence_fields(self) -> set[str]:
        """The names of the fields that `makes` is built from."""
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
    """A page of text. `headings` are (anchor, words) of the second level."""

    slug: str
    title: str
    lead: str
    html: SafeString
    headings: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Reading(Page):
    """A page of the Learn section."""

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
    def desk_step_number(self) -> int:
        """The step whose exercise is the writing desk."""
        return next(
            number
            for number, step in self.steps.items()
            if any(exercise.desk for exercise in step.exercises)
        )
