"""Find what a reader of the guide would stumble over: broken links, words, long sentences."""

import re
from collections.abc import Iterator
from html import unescape

from django.urls import Resolver404, resolve

from healing.guide_types import Guide, Page, Reading, Step

# Words that press, judge or diagnose.
FORBIDDEN = re.compile(r"\b(just|simply|should|toxic|narcissis\w+|abandon\w*)\b|!", re.IGNORECASE)
MAX_SENTENCE_WORDS = 25


def problems(guide: Guide) -> Iterator[str]:
    """One sentence per problem, which names the page."""
    for page in [*guide.steps.values(), *guide.readings.values(), *guide.pages.values()]:
        name = f"{type(page).__name__.lower()} “{page.slug}”"
        for problem in [*_link_problems(page), *_word_problems(page)]:
            yield f"{name}: {problem}"


def _link_problems(page: Page) -> Iterator[str]:
    for link in re.findall(r'href="([^"]+)"', page.html):
        if link.startswith("/"):
            try:
                resolve(link.partition("#")[0])
            except Resolver404:
                yield f"the link {link} leads nowhere."
        elif not link.startswith("https://"):
            yield f"the link {link} is neither a path nor https."


def _word_problems(page: Page) -> Iterator[str]:
    for sentence in re.split(r"(?<=[.?!…])[”’)]*\s+", _page_text(page)):
        if found := FORBIDDEN.search(sentence):
            yield f"“{found[0]}” in: {sentence}"
        if len(sentence.split()) > MAX_SENTENCE_WORDS:
            yield f"more than {MAX_SENTENCE_WORDS} words: {sentence}"


def _page_text(page: Page) -> str:
    """All the words of a page, with a full stop after each block."""
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
