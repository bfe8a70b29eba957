"""Render our own Markdown: CommonMark without raw HTML, and one container (`::: why`)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from django.utils.safestring import SafeString
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.container import container_plugin

CONTAINERS = {"why"}
FENCE = re.compile(r"\s{0,3}:{3,}\s*(\S*)")


@dataclass(frozen=True)
class Rendered:
    """`headings` are (anchor, words) of the second level, in order.

    `passages` are (line, words) of each block, `links` (line, address), and `mistakes` (line,
    problem). Lines are counted from 0.
    """

    html: SafeString
    headings: tuple[tuple[str, str], ...]
    passages: tuple[tuple[int, str], ...]
    links: tuple[tuple[int, str], ...]
    mistakes: tuple[tuple[int, str], ...]


def _render_why(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    return '<div class="why">\n' if tokens[index].nesting == 1 else "</div>\n"


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False})
    container_plugin(parser, "why", render=_render_why)
    return parser


PARSER = _parser()


def render(text: str, *, anchor_prefix: str = "part") -> Rendered:
    """Two texts on one page need two prefixes, or their anchors collide."""
    tokens = PARSER.parse(text)
    headings = _add_anchors(tokens, anchor_prefix)
    links = tuple(_links(tokens))
    _add_noreferrer(tokens)
    html = PARSER.renderer.render(tokens, PARSER.options, {})
    return Rendered(
        html=SafeString(html),
        headings=headings,
        passages=tuple(_passages(tokens)),
        links=links,
        mistakes=tuple(_container_mistakes(text)),
    )


def _add_anchors(tokens: Sequence[Token], prefix: str) -> tuple[tuple[str, str], ...]:
    """Number the anchors, so that they survive a translation of the words."""
    headings: list[tuple[str, str]] = []
    for opening, words in pairwise(tokens):
        if opening.type == "heading_open" and opening.tag == "h2":
            anchor = f"{prefix}-{len(headings) + 1}"
            opening.attrSet("id", anchor)
            headings.append((anchor, words.content))
    return tuple(headings)


def _links(tokens: Sequence[Token]) -> Iterator[tuple[int, str]]:
    for token in tokens:
        for child in token.children or []:
            if child.type == "link_open":
                yield _line(token), str(child.attrGet("href"))


def _passages(tokens: Sequence[Token]) -> Iterator[tuple[int, str]]:
    for token in tokens:
        if token.type == "inline":
            yield (
                _line(token),
                "".join(
                    child.content if child.type in {"text", "code_inline"} else " "
                    for child in token.children or []
                    if not child.type.endswith(("_open", "_close"))
                ),
            )


def _line(token: Token) -> int:
    return token.map[0] if token.map else 0


def _add_noreferrer(tokens: Sequence[Token]) -> None:
    """Do not tell other sites where a visitor came from."""
    for token in tokens:
        for child in token.children or []:
            if child.type == "link_open" and str(child.attrGet("href")).startswith("https:"):
                child.attrSet("rel", "noreferrer")


def _container_mistakes(text: str) -> Iterator[tuple[int, str]]:
    """The parser takes an unknown container for words, and closes an open one at the end."""
    fences = [
        (number, fence[1])
        for number, line in enumerate(text.splitlines())
        if (fence := FENCE.match(line))
    ]
    known = ", ".join(f"::: {name}" for name in sorted(CONTAINERS))
    for (number, name), (_line, following) in pairwise([*fences, (0, "end")]):
        if name and name not in CONTAINERS:
            yield number, f"“::: {name}” is not known. There is: {known}."
        elif name and following:
            yield number, "this ::: is never closed. Put a line with ::: below its words."
    for (_number, before), (number, name) in pairwise([(0, ""), *fences]):
        if not before and not name:
            yield number, "this ::: closes nothing."
