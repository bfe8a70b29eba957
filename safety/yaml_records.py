"""Read our YAML data files; every mistake is reported with file, line and what to do.

Works on YAML nodes, because plain values have no line numbers. Scalars stay as they are written:
YAML itself would read `no` as False and 024 as 20.
"""

import re
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Self, cast

import yaml
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import URLValidator

STRING = "tag:yaml.org,2002:str"
NULL = "tag:yaml.org,2002:null"

EMPTY = yaml.MappingNode("", [], yaml.Mark("", 0, 0, 0, "", 0))

validate_https = URLValidator(schemes=["https"])


@dataclass(frozen=True)
class Mistake:
    """A mistake in a data file, worded for the person who edits it."""

    file: str
    line: int
    problem: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.problem}"


class DataFileError(ImproperlyConfigured):
    """The mistakes that were found in data files, one sentence each."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = list(mistakes)


@dataclass
class DataFile:
    """A data file while it is read: what was found wrong in it, and its words for readers."""

    name: str
    mistakes: list[Mistake] = field(default_factory=list)
    # (line, words) of every text that people read.
    words: list[tuple[int, str]] = field(default_factory=list)

    def report(self, line: int, problem: str) -> None:
        self.mistakes.append(Mistake(self.name, line, problem))

    def raise_mistakes(self) -> None:
        """Raises DataFileError if there are any."""
        if self.mistakes:
            raise DataFileError(self.mistakes)


class Record:
    """A YAML mapping. Take each value by its key, then call `finish` to report the rest.

    A mistake is reported to the file, with the line of the key or, where there is none, the line
    on which the mapping begins. A placeholder is returned for it, so that reading goes on and
    finds the other mistakes.
    """

    def __init__(self, node: yaml.MappingNode, file: DataFile, first_line: int) -> None:
        self.file = file
        self.first_line = first_line
        self.line = node.start_mark.line + first_line
        self.lines: dict[str, int] = {}
        self.remaining: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + first_line
            if name in self.remaining:
                problem = (
                    f"“{name}” stands here twice. Take one out; if this begins the next item of a"
                    " list, put a hyphen and a space before it."
                )
                file.report(line, problem)
            self.remaining[name], self.lines[name] = value, line

    def __contains__(self, key: str) -> bool:
        return key in self.remaining

    def report(self, problem: str, key: str = "") -> None:
        self.file.report(self.lines.get(key, self.line), problem)

    def text(self, key: str, default: str | None = None) -> str:
        """The text as it is written, stripped. Without a default it is required."""
        node = self.remaining.pop(key, None)
        if node is None:
            if default is None:
                self.report(f"“{key}” is missing.")
            return default or ""
        self._require_whole(node)
        text = _text(node)
        if text is None or (default is None and not text):
            hint = QUOTE_WHOLE if " " in key else ""
            self.report(f"“{key}” needs words.{hint}", key)
        return text or ""

    def words(self, key: str, default: str | None = None) -> str:
        """Like `text`, for words that people read: they are noted in the file."""
        words = self.text(key, default)
        self._note_words(key, words)
        return words

    def texts(self, key: str) -> tuple[str, ...]:
        nodes = self._items(key)
        for node in nodes:
            self._require_whole(node)
        texts = [text for text in map(_text, nodes) if text is not None]
        if len(texts) < len(nodes):
            self.report(f"“{key}” is a list of words.", key)
        return tuple(texts)

    def words_or_list(self, key: str) -> tuple[str, ...]:
        """One text or a list of texts that people read; empty without the key."""
        is_list = isinstance(self.remaining.get(key), yaml.SequenceNode)
        texts = self.texts(key) if is_list else tuple(filter(None, [self.text(key, "")]))
        for text in texts:
            self._note_words(key, text)
        return texts

    def named_words(self, key: str) -> tuple[tuple[str, str], ...]:
        """(name, words) of each item, in order, such as `{near: Near, away: A call away}`."""
        if key not in self.remaining:
            return ()
        record = self.record(key)
        return tuple((name, record.words(name)) for name in list(record.remaining))

    def quoted_text(self, key: str) -> str:
        """Like `text`, but a number has to stand in quotes."""
        node = self.remaining.get(key)
        self._require_quotes(key, [] if node is None else [node])
        return self.text(key)

    def quoted_texts(self, key: str) -> tuple[str, ...]:
        """Like `texts`, but numbers have to stand in quotes."""
        node = self.remaining.get(key)
        self._require_quotes(key, node.value if isinstance(node, yaml.SequenceNode) else [])
        return self.texts(key)

    def number(
        self, key: str, default: int | None = None, *, least: int = 0, most: int = 120_000
    ) -> int:
        value = self.text(key, None if default is None else str(default))
        if value.isdecimal() and least <= int(value) <= most:
            return int(value)
        if value or default is not None:
            numbers = f"from {least} to {most}" if least else f"up to {most}"
            self.report(f"“{key}” needs a whole number {numbers}, in digits and alone.", key)
        return 0

    def flag(self, key: str) -> bool:
        value = self.text(key, "false")
        if value not in {"true", "false"}:
            self.report(f"“{key}” is either true or false.", key)
        return value == "true"

    def one_of(self, key: str, allowed: Collection[str], default: str | None = None) -> str:
        value = self.text(key, default)
        if value in allowed or value == default:
            return value
        if value or default is not None:
            self.report(f"“{key}” is one of: {', '.join(sorted(allowed))}.", key)
        return min(allowed)

    def is_one_of(self, key: str, allowed: Collection[str]) -> bool:
        """Whether `one_of` would accept it. The value stays to be taken."""
        node = self.remaining.get(key)
        return node is not None and _text(node) in allowed

    def https_url(self, key: str, default: str | None = None) -> str:
        value = self.text(key, default)
        if value:
            try:
                validate_https(value)
            except ValidationError:
                self.report(f"“{key}” begins with https://.", key)
        return value

    def day(self, key: str) -> date:
        value = self.text(key)
        if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            with suppress(ValueError):
                return date.fromisoformat(value)
        if value:
            self.report(f"“{key}” needs a day, as in 2026-11-22.", key)
        return date.min

    def day_or_null(self, key: str) -> date | None:
        """Return None for null: no day yet. The key is required, so that nobody forgets it."""
        node = self.remaining.get(key)
        if node is not None and node.tag == NULL:
            del self.remaining[key]
            return None
        return self.day(key)

    def record(self, key: str) -> Self:
        node = self.remaining.pop(key, None)
        if not isinstance(node, yaml.MappingNode):
            self.report(f"“{key}” is missing or has no names in it.", key)
            # Its own file, so that nothing else about what is not there is reported.
            return type(self)(EMPTY, DataFile(self.file.name), self.line)
        return type(self)(node, self.file, self.first_line)

    def records(self, key: str) -> list[Self]:
        nodes = self._items(key)
        mappings = [node for node in nodes if isinstance(node, yaml.MappingNode)]
        if len(mappings) < len(nodes):
            self.report(f"“{key}” is a list whose items have names.", key)
        return [type(self)(node, self.file, self.first_line) for node in mappings]

    def finish(self) -> None:
        for key in self.remaining:
            hint = QUOTE_WHOLE if " " in key or self._is_bare(key) else ""
            self.report(f"“{key}” is not a name that belongs here.{hint}", key)

    def _is_bare(self, key: str) -> bool:
        """Whether it has no value, as the words after a comma between { and } have none."""
        node = self.remaining[key]
        return isinstance(node, yaml.ScalarNode) and not node.value

    def _items(self, key: str) -> list[yaml.Node]:
        node = self.remaining.pop(key, None)
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode):
            self.report(f"“{key}” is a list.", key)
            return []
        return list(node.value)

    def _require_quotes(self, key: str, nodes: list[yaml.Node]) -> None:
        for node in nodes:
            if isinstance(node, yaml.ScalarNode) and node.tag not in {STRING, NULL}:
                self.report(f"“{key}” needs quotation marks around {node.value}.", key)

    def _require_whole(self, node: yaml.Node) -> None:
        """Report a text of which YAML takes the rest for a note of its own."""
        if not isinstance(node, yaml.ScalarNode) or node.style is not None:
            return
        start, end = node.start_mark, node.end_mark
        text = str(end.buffer)
        before, rest = text[: start.pointer].rpartition("\n")[2], text[end.pointer :]
        # A note on the next line is indented like the name; what is indented further is lost words.
        marks = " -" if before.strip(" -") else " "
        further = len(before) - len(before.lstrip(marks)) + 1
        if re.match(rf"[ \t]*(?:\n {{{further},}})?#", rest):
            self.file.report(end.line + self.first_line, LOST)

    def _note_words(self, key: str, words: str) -> None:
        if words:
            self.file.words.append((self.lines.get(key, self.line), words))


LOST = (
    "a # after a space begins a note, and readers never see what follows it here. Put the whole"
    ' text in straight quotation marks ("), and a note on a line of its own.'
)
# Words after a comma between { and } are read as the next name.
QUOTE_WHOLE = ' If it is part of a text, put the whole text in straight quotation marks (").'
MARKED = "a text cannot begin with &, * or an exclamation mark. Put it in quotation marks."
ASTERISK = "a text cannot begin with * or &. Put the text in quotation marks."
UNCLOSED = ("quoted scalar", "while scanning a simple key", "while parsing a flow mapping")
# What YAML says, and what an editor can do about it.
EXPLANATIONS = (
    (
        "mapping values are not allowed",
        "a colon and a space stand inside this text. Put the whole text in straight quotation"
        ' marks ("). If the colon belongs to a name, indent the line as the names above it.',
    ),
    ("quoted scalar", "a quotation mark opens here and is never closed."),
    (
        "cannot start any token",
        "a text cannot begin with this sign, nor a line with a tab. Put the text in quotation"
        " marks, and indent with spaces.",
    ),
    (
        "could not find expected ':'",
        "this line has no name with a colon and a space. If it goes on with the text above, begin"
        " that text with > and indent this line below it.",
    ),
    (
        "while parsing a flow mapping",
        "something between { and } cannot be read. A text there that has a comma, a colon, a"
        ' question mark, a # or a bracket needs straight quotation marks (") around it, and “ ”'
        " inside it. See that the } is there, and a comma after each text.",
    ),
    ("undefined alias", ASTERISK),
    ("alphabetic or numeric", ASTERISK),
    (
        "special characters are not allowed",
        "an invisible character stands here. Type the line again.",
    ),
)
UNEXPLAINED = (
    "this line cannot be read. Put the text in straight quotation marks, and compare its"
    " indentation with the lines around it. If it has such marks, use “ ” and ’ inside it, and see"
    " that a text above it has its closing mark."
)


class _Loader(yaml.SafeLoader):
    """Note the lines on which YAML takes a first word that begins with & or ! for a mark of its
    own, and leaves it out."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.marked_lines: list[int] = []

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = cast(Any, self).peek_event()
        if event.anchor or getattr(event, "tag", None):
            self.marked_lines.append(event.start_mark.line)
        return super().compose_node(parent, index)


def read(text: str, *, file: DataFile, first_line: int = 1) -> Record | None:
    """The mapping at the top of a YAML text that begins on this line of the file.

    None, with the mistake reported, if the text cannot be read at all.
    """
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
    except yaml.YAMLError as error:
        file.report(_line(error, text) + first_line, _explanation(str(error)))
        return None
    for line in loader.marked_lines:
        file.report(line + first_line, MARKED)
    if not isinstance(node, yaml.MappingNode):
        file.report(first_line, "there are no names in it.")
        return None
    return Record(node, file, first_line)


def read_text(path: Path, *, file: DataFile) -> str | None:
    """The text of a file; None, with the mistake reported, if it is not in UTF-8."""
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        file.report(line, "a character here is not in UTF-8. Save the file as UTF-8.")
        return None


def _line(error: yaml.YAMLError, text: str) -> int:
    """The line, counted from 0, on which the mistake begins."""
    if isinstance(error, yaml.MarkedYAMLError):
        # What never ends is noticed further down, or at the end of the file only.
        is_unclosed = any(sign in str(error.context) for sign in UNCLOSED)
        mark = error.context_mark if is_unclosed else error.problem_mark
        return mark.line if mark else 0
    return text.count("\n", 0, getattr(error, "position", 0))


def _explanation(problem: str) -> str:
    return next((words for sign, words in EXPLANATIONS if sign in problem), UNEXPLAINED)


def _text(node: yaml.Node) -> str | None:
    """Return a scalar as stripped text, or None for an explicit `null` or `~` or another node.

    A key without a value is an empty text.
    """
    if not isinstance(node, yaml.ScalarNode) or (node.tag == NULL and node.value):
        return None
    return str(node.value).strip()
