"""What the guide is made of: steps with their exercises, readings and pages."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from django.utils.safestring import SafeString

STEPS = range(1, 9)

# The column of the kind people that says how near somebody is.
RING = "ring"


@dataclass(frozen=True)
class Choice:
    """One of several answers to tick. The key is stored, the label is read."""

    key: str
    label: str


@dataclass(frozen=True)
class Field:
    """One question of an exercise, see docs/writing.md.

    `limit` is in characters; `most` counts rows, 0 without rows. `items` are the lines of a grid.
    `own` is the label of a line of one's own. `earliest` and `latest` are times such as `08:00`.
    `only_if` is the choice after which the question is asked; it is empty for those always asked.
    `nobody` stands above the way to the helplines, for those who have no people to name.
    """

    name: str
    kind: str
    label: str
    hint: str = ""
    limit: int = 0
    most: int = 0
    choices: tuple[Choice, ...] = ()
    columns: tuple["Field", ...] = ()
    items: tuple[Choice, ...] = ()
    own: str = ""
    earliest: str = ""
    latest: str = ""
    optional: bool = False
    only_if: str = ""
    nobody: str = ""


@dataclass(frozen=True)
class Bell:
    """It rings after so many minutes, if it is wanted, and says these words."""

    minutes: int
    words: str


@dataclass(frozen=True)
class FollowUp:
    """A question that is asked once, on or after a day that the answer names.

    `on` is the field with the day, `about` the field whose words are repeated with the question.
    With `is_tomorrow` words without a day are asked about tomorrow. A `bell` can end
    a sitting with the question.
    """

    on: str
    about: str
    question: str
    choices: tuple[Choice, ...]
    is_tomorrow: bool = False
    bell: Bell | None = None


@dataclass(frozen=True)
class Reply:
    """What is said to the answers of a grid, in words and without saving anything.

    `about` is the name of the grid, `familiar` are the choices that count, and `several` is how
    many lines of it make it `many`. `always` follows whatever was said.
    """

    about: str
    familiar: tuple[str, ...]
    several: int
    many: str
    some: str
    none: str
    always: str


@dataclass(frozen=True)
class Exercise:
    """One exercise, see docs/writing.md.

    Each sentence of `makes` has the names of fields in braces. `closes_after_days` counts from the
    first answer and `closes_after_answers` the answers, 0 for never. `asked_again` are the weeks
    after the first answer. Instead of fields, `desk` is the kind of letter that is written, and
    `piece` names a page of its own (`healing.piece_url_names`). A
    `public` exercise can be saved for some hours without an account. With `question_a_page` each
    question has a page, and words are kept on the way (`healing.drafts`).
    `not_after`, `first_after` and `asks_first` are guard rails (`healing.exercises_left_out`).
    """

    key: str
    title: str
    minutes: int
    intro: str
    care: str = ""
    fields: tuple[Field, ...] = ()
    makes: tuple[str, ...] = ()
    kept: str = ""
    desk: str = ""
    piece: str = ""
    gathers: str = ""
    copies: bool = False
    once_a_day: bool = False
    closes_after_days: int = 0
    closes_after_answers: int = 0
    closed: str = ""
    asked_again: tuple[int, ...] = ()
    follow_up: FollowUp | None = None
    keeps_closed: bool = False
    not_after: tuple[str, ...] = ()
    first_after: tuple[str, ...] = ()
    asks_first: str = ""
    reply: Reply | None = None
    public: bool = False
    question_a_page: bool = False
    lines_first: bool = False
    prints: bool = False
    # Of the file that it is in. No part of the version: it would change that of every answer.
    language: str = ""

    @property
    def version(self) -> str:
        """A hash of every word of it, stored with each answer.

        Only what differs from the defaults is hashed, so that a new attribute changes no version;
        the attribute names are hashed too, so renaming one does.
        """
        text = json.dumps(_without_defaults(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def shape(self) -> Any:
        """Everything but the words: a translation has the same."""
        return _without_words(self)

    @property
    def sentence_fields(self) -> set[str]:
        """The names of the fields that the first sentence is built from: it needs all of them."""
        return names_in(self.makes[0]) if self.makes else set()

    def field(self, name: str) -> Field | None:
        return next((field for field in self.fields if field.name == name), None)


def names_in(sentence: str) -> set[str]:
    """The names in braces: `I value {value}` has `value`."""
    return set(re.findall(r"{(\w+)}", sentence))


# The attributes that hold words for readers.
WORDS = {"title", "intro", "care", "kept", "closed", "label", "hint", "own", "question"}
WORDS |= {"many", "some", "none", "always", "nobody", "words"}
# Not read, but different in each translation.
WORDS |= {"language"}


def _without_words(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        names = [each.name for each in fields(value) if each.name not in WORDS]
        return [
            sorted(set().union(*map(names_in, value.makes)))
            if name == "makes"
            else _without_words(getattr(value, name))
            for name in names
        ]
    return [_without_words(each) for each in value] if isinstance(value, tuple) else value


def _without_defaults(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        return {
            each.name: _without_defaults(getattr(value, each.name))
            for each in fields(value)
            if each.name != "language" and getattr(value, each.name) != each.default
        }
    return [_without_defaults(each) for each in value] if isinstance(value, tuple) else value


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
    language: str
    # What the file's original said when it was translated; empty in the original itself.
    translates: str


@dataclass(frozen=True)
class Place:
    """A page of this site that may help, and why."""

    words: str
    path: str
    reason: str


@dataclass(frozen=True)
class Hurt:
    """A sentence about what hurts most, and three places to go with it."""

    words: str
    places: tuple[Place, ...]


@dataclass(frozen=True)
class HurtsPage(Page):
    """The page that asks where it hurts most."""

    hurts: tuple[Hurt, ...]


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
    # Pieces whose pages are not built yet.
    hidden: tuple[Exercise, ...] = ()

    @property
    def all_exercises(self) -> tuple[Exercise, ...]:
        return (*self.exercises, *self.hidden)

    def exercise(self, key: str) -> Exercise | None:
        return next((exercise for exercise in self.exercises if exercise.key == key), None)


@dataclass(frozen=True)
class Guide:
    """One language's guide. A page that is not translated yet is in the default language."""

    language: str
    steps: Mapping[int, Step]
    readings: Mapping[str, Reading]
    pages: Mapping[str, Page]

    @property
    def all_pages(self) -> Iterator[Page]:
        yield from self.steps.values()
        yield from self.readings.values()
        yield from self.pages.values()

    @property
    def desk_step_number(self) -> int:
        """The step in which letters are written."""
        return next(
            number
            for number, step in self.steps.items()
            if any(exercise.desk for exercise in step.exercises)
        )

    def over(self, original: "Guide") -> "Guide":
        """This translation, with the original's pages where there are none of its own."""
        return replace(
            original,
            language=self.language,
            steps={**original.steps, **self.steps},
            readings={**original.readings, **self.readings},
            pages={**original.pages, **self.pages},
        )
