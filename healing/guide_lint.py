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
MAX_SENTENCE_WORDS = 25


def problems(folder: GuideFolder) -> Iterator[Mistake]:
    yield from _link_problems(folder)
    for passage in folder.passages:
        for sentence in re.split(r"(?<=[.?!…])[”’)]*\s+", passage.words):
            if problem := _sentence_problem(sentence, folder.language):
                yield Mistake(passage.file, passage.line, problem)


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
    # The words are English ones.
    found = FORBIDDEN.search(sentence) if language == settings.LANGUAGE_CODE else None
    return f"“{found[0]}” in: {sentence}" if found else ""
