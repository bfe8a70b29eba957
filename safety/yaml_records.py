"""Read our YAML data files; every mistake is reported with file, line and reason.

Works on YAML nodes, because plain values have no line numbers. Scalars stay as they are written:
YAML itself would read `no` as False and 024 as 20.
"""

import re
from datetime import date
from typing import Self

import yaml
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import URLValidator

STRING = "tag:yaml.org,2002:str"
NULL = "tag:yaml.org,2002:null"

validate_https = URLValidator(schemes=["https"])


class DataFileError(ImproperlyConfigured):
    """A mistake in a data file, worded for the person who edits it."""

    def __init__(self, file: str, line: int, problem: str) -> None:
        super().__init__(f"{file}, line {line}: {problem}")


class Record:
    """A YAML mapping. Take each value by its key, then call `finish` to reject the rest.

    Every method raises DataFileError, with the line of the key or, where there is none, the line
    on which the mapping begins.
    """

    def __init__(self, node: yaml.MappingNode, file: str, first_line: int) -> None:
        self.file = file
        self.first_line = first_line
        self.line = node.start_mark.line + first_line
        self.lines: dict[str, int] = {}
        self.remaining: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + first_line
            if name in self.remaining:
                raise DataFileError(file, line, f"a key stands here twice: “{name}”.")
            self.remaining[name], self.lines[name] = value, line

    def __contains__(self, key: str) -> bool:
        return key in self.remaining

    def mistake(self, problem: str, key: str = "") -> DataFileError:
        return DataFileError(self.file, self.lines.get(key, self.line), problem)

    def text(self, key: str, default: str | None = None) -> str:
        """The words as they are written, stripped. Without a default they are required."""
        node = self.remaining.pop(key, None)
        if node is None:
            if default is None:
                raise self.mistake(f"“{key}” is missing.")
            return default
        text = _text(node)
        if text is None or (default is None and not text):
            raise self.mistake(f"“{key}” needs words.", key)
        return text

    def texts(self, key: str) -> tuple[str, ...]:
        nodes = self._items(key)
        texts = [text for text in map(_text, nodes) if text is not None]
        if len(texts) < len(nodes):
            raise self.mistake(f"“{key}” is a list of words.", key)
        return tuple(texts)

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

    def number(self, key: str, default: int | None = None, *, most: int = 120_000) -> int:
        value = self.text(key, None if default is None else str(default))
        if not value.isdecimal() or int(value) > most:
            raise self.mistake(f"“{key}” needs a whole number up to {most}.", key)
        return int(value)

    def flag(self, key: str) -> bool:
        value = self.text(key, "false")
        if value not in {"true", "false"}:
            raise self.mistake(f"“{key}” is either true or false.", key)
        return value == "true"

    def one_of(self, key: str, allowed: set[str]) -> str:
        value = self.text(key)
        if value not in allowed:
            raise self.mistake(f"“{key}” is one of: {', '.join(sorted(allowed))}.", key)
        return value

    def https_url(self, key: str, default: str | None = None) -> str:
        value = self.text(key, default)
        if value:
            try:
                validate_https(value)
            except ValidationError:
                raise self.mistake(f"“{key}” begins with https://.", key) from None
        return value

    def day(self, key: str) -> date:
        value = self.text(key)
        if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            try:
                return date.fromisoformat(value)
            except ValueError:
                pass
        raise self.mistake(f"“{key}” needs a day, as in 2026-11-22.", key)

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
            raise self.mistake(f"“{key}” is missing or has no names in it.", key)
        return type(self)(node, self.file, self.first_line)

    def records(self, key: str) -> list[Self]:
        nodes = self._items(key)
        mappings = [node for node in nodes if isinstance(node, yaml.MappingNode)]
        if len(mappings) < len(nodes):
            raise self.mistake(f"“{key}” is a list whose items have names.", key)
        return [type(self)(node, self.file, self.first_line) for node in mappings]

    def finish(self) -> None:
        for key in self.remaining:
            raise self.mistake(f"“{key}” is not a name that belongs here.", key)

    def _items(self, key: str) -> list[yaml.Node]:
        node = self.remaining.pop(key, None)
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode):
            raise self.mistake(f"“{key}” is a list.", key)
        return list(node.value)

    def _require_quotes(self, key: str, nodes: list[yaml.Node]) -> None:
        for node in nodes:
            if isinstance(node, yaml.ScalarNode) and node.tag not in {STRING, NULL}:
                raise self.mistake(f"“{key}” needs quotation marks around {node.value}.", key)


def _text(node: yaml.Node) -> str | None:
    """Return a scalar as stripped text, or None for an explicit `null` or `~` or another node.

    A key without a value is an empty text.
    """
    if not isinstance(node, yaml.ScalarNode) or (node.tag == NULL and node.value):
        return None
    return str(node.value).strip()


def read(text: str, *, file: str, first_line: int = 1) -> Record:
    """The mapping at the top of a YAML text that begins on this line of the file.

    Raises DataFileError.
    """
    try:
        node = yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line if error.problem_mark else 0
        problem = f"cannot be read: {error.problem}."
        raise DataFileError(file, line + first_line, problem) from error
    if not isinstance(node, yaml.MappingNode):
        raise DataFileError(file, first_line, "there are no names in it.")
    return Record(node, file, first_line)
