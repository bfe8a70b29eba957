"""What an editor is told about the guide beyond its form: links, words and sentences."""

import re
from collections.abc import Iterator
from html import unescape

from django.urls import Resolver404, resolve

from healing.guide_types import Guide, Page, Reading, Step

# Words that press, judge or diagnose. The guide has other ways to say it.
FORBIDDEN = re.compile(r"\b(just|simply|should|toxic|narcissis\w+|abandon\w*)\b|!", re.IGNORECASE)
LONGEST_SENTENCE = 25


def problems(guide: Guide) -> Iterator[str]:
    """One sentence per problem, naming the page."""
    for page in [*guide.steps.values(), *guide.readings.values(), *guide.pages.values()]:
        name = f"{type(page).__name__.lower()} “{page.slug}”"
        for problem in [*_links(page), *_words(page)]:
            yield f"{name}: {problem}"


def _links(page: Page) -> Iterator[str]:
    for link in re.findall(r'href="([^"]+)"', page.html):
        if link.startswith("/"):
            try:
                resolve(link.partition("#")[0])
            except Resolver404:
                yield f"the link {link} leads nowhere."
        elif not link.startswith("https://"):
            yield f"the link {link} is neither a path nor https."


def _words(page: Page) -> Iterator[str]:
    for sentence in re.split(r"(?<=[.?!…])[”’)]*\s+", _text(page)):
        if found := FORBIDDEN.search(sentence):
            yield f"“{found[0]}” in: {sentence}"
        if len(sentence.split()) > LONGEST_SENTENCE:
            yield f"more than {LONGEST_SENTENCE} words: {sentence}"


def _text(page: Page) -> str:
    """Everything that is read on the page, a sentence end after each block."""
    parts = [page.title + ".", page.lead]
    if isinstance(page, Reading):
        parts.append(page.care)
    if isinstance(page, Step):
        parts += [page.voice.words, page.two_minutes, page.closing]
        for exercise in page.exercises:
            parts += [exercise.title + ".", exercise.intro, exercise.care, exercise.kept]
    body = re.sub(r"</(?:p|li|h2|h3)>", ". ", page.html)
    parts.append(unescape(re.sub(r"<[^>]+>", "", body)))
    return re.sub(r"([.?!…])[.\s]*\. ", r"\1 ", " ".join(parts))
