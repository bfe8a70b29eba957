"""Find what a reader of the guide would stumble over: broken links, words, long sentences."""

import re
from collections.abc import Iterator

from django.conf import settings
from django.urls import Resolver404, ResolverMatch, resolve

from healing.guide import guide
from healing.guide_loader import GuideFolder
from safety.yaml_records import DataFileError, Mistake

# Words that press, judge or diagnose.
FORBIDDEN = re.compile(r"\b(just|simply|should|toxic|narcissis\w+|abandon\w*)\b|!", re.IGNORECASE)
# Promises that nobody can keep. They soothe for an hour, and are looked for again.
REASSURANCE = re.compile(
    r"(?<!when )\b(?:they|he|she)(?:’ll| will| are going to)"
    r" (?:come back|be back|return|write|call|reply|answer)\b"
    r"|(?:\bnot|n’t)(?: \w+)? your fault\b"
    r"|\byou(?:’ll| will) (?:heal|recover|be (?:fine|okay|all right|happy|safe)|feel better)\b"
    r"|\b(?:it|this|everything)(?:’ll| will) (?:pass|get better|be (?:fine|okay|all right))\b",
    re.IGNORECASE,
)
# Nobody's gender is assumed: neither the reader's nor that of the one who went quiet.
GENDER = re.compile(
    r"\b(he|she|him|her|his|hers|himself|herself|(?:boy|girl)friends?|husbands?|wife|wives)\b",
    re.IGNORECASE,
)
# Whom “she” is about, where a book or a study has an author.
FULL_NAME = re.compile(r"\b[A-Z][a-z]+ (?:[A-Z]\. )?[A-Z][a-z]+")
# The reading in which invented voices speak.
VOICES = "learn/6-voices.md"
MAX_SENTENCE_WORDS = 25


def problems(folder: GuideFolder) -> Iterator[Mistake]:
    yield from _link_problems(folder)
    for passage in folder.passages:
        for sentence in re.split(r"(?<=[.?!…])[”’)]*\s+", passage.words):
            if problem := _sentence_problem(sentence, folder.language):
                yield Mistake(passage.file, passage.line, problem)
    if folder.language == settings.LANGUAGE_CODE:
        yield from _gender_problems(folder)


def _gender_problems(folder: GuideFolder) -> Iterator[Mistake]:
    """Invented voices speak about the person whom they know, and so does their reading."""
    voices = {step.voice.words for step in folder.steps.values()}
    for passage in folder.passages:
        is_about_someone = passage.words in voices or FULL_NAME.search(passage.words)
        found = GENDER.search(passage.words)
        if found and not is_about_someone and not passage.file.endswith(VOICES):
            yield Mistake(passage.file, passage.line, f"“{found[0]}” in: {passage.words}")


def _link_problems(folder: GuideFolder) -> Iterator[Mistake]:
    for link in folder.links:
        if link.address.startswith("/"):
            try:
                _check_names(resolve(link.address.partition("#")[0]))
            except DataFileError:
                # It is the address of a step, and some file of the guide cannot be read.
                continue
            except Resolver404:
                yield Mistake(link.file, link.line, f"the link {link.address} leads nowhere.")
        elif not link.address.startswith("https://"):
            problem = f"the link {link.address} is neither a path nor https."
            yield Mistake(link.file, link.line, problem)


def _check_names(match: ResolverMatch) -> None:
    """Raises Resolver404 if a step has no such exercise, or there is no such reading."""
    names = match.kwargs
    if match.view_name == "healing:exercise" and names["step"].exercise(names["key"]) is None:
        raise Resolver404
    if match.view_name == "healing:reading" and names["slug"] not in guide().readings:
        raise Resolver404


def _sentence_problem(sentence: str, language: str) -> str:
    if len(sentence.split()) > MAX_SENTENCE_WORDS:
        return f"more than {MAX_SENTENCE_WORDS} words: {sentence}"
    if language != settings.LANGUAGE_CODE:
        # The words are English ones.
        return ""
    found = FORBIDDEN.search(sentence) or REASSURANCE.search(sentence)
    return f"“{found[0]}” in: {sentence}" if found else ""
