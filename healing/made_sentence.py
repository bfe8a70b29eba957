"""The sentence that an exercise makes of an answer (`makes`)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from healing.field_kinds import words_of
from healing.guide_types import Exercise, names_in

BLANK = re.compile(r"{(\w+)}")
# Where the words begin that lead up to a blank: after a full stop, a comma, another blank.
CLAUSE = re.compile(r"[.?!:;,…]")


@dataclass(frozen=True)
class MadeSentence:
    """`names` are the fields whose words are in the text."""

    text: str = ""
    names: frozenset[str] = frozenset()


def made_sentence(exercise: Exercise | None, answer: Mapping[str, Any]) -> MadeSentence:
    """Every sentence whose blanks are all filled; empty if the first one is not among them."""
    if not exercise or not exercise.makes:
        return MadeSentence()
    filled = {pattern: _filled(exercise, pattern, answer) for pattern in exercise.makes}
    if not filled[exercise.makes[0]]:
        return MadeSentence()
    names = [names_in(pattern) for pattern, text in filled.items() if text]
    return MadeSentence(" ".join(filter(None, filled.values())), frozenset().union(*names))


def _filled(exercise: Exercise, sentence: str, answer: Mapping[str, Any]) -> str:
    pieces = BLANK.split(sentence)
    # Texts and names take turns: "I value ", "value", ". If ", "situation", "."
    for index in range(1, len(pieces), 2):
        words = words_of(exercise.field(pieces[index]), answer.get(pieces[index], ""))
        pieces[index] = without_stem(pieces[index - 1], words.strip().rstrip("."))
        if not pieces[index]:
            return ""
    return "".join(pieces)


def without_stem(before: str, words: str) -> str:
    """The words without the ones that already stand in front of them.

    “I value” is printed before the blank, and still many people begin with it.
    """
    stem = CLAUSE.split(before)[-1].split()
    typed = words.split(maxsplit=len(stem))
    begins_with_stem = [each.casefold() for each in typed[: len(stem)]] == [
        each.casefold() for each in stem
    ]
    return typed[len(stem)] if stem and begins_with_stem and len(typed) > len(stem) else words
