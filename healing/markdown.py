"""Markdown of our own files to HTML: CommonMark, no raw HTML, one container (`::: why`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from django.utils.safestring import SafeString
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.container import container_plugin


@dataclass(frozen=True)
class Rendered:
    html: SafeString
    # (id, words) of each heading of the second level, in order.
    headings: tuple[tuple[str, str], ...]


def _render_why(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    return '<div class="why">\n' if tokens[index].nesting == 1 else "</div>\n"


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False})
    container_plugin(parser, "why", render=_render_why)
    return parser


PARSER = _parser()


def _mark_headings(tokens: Sequence[Token], prefix: str) -> tuple[tuple[str, str], ...]:
    """Ids come from the order, not the words: an anchor survives a translation."""
    headings: list[tuple[str, str]] = []
    for opening, words in pairwise(tokens):
        if opening.type == "heading_open" and opening.tag == "h2":
            anchor = f"{prefix}-{len(headings) + 1}"
            opening.attrSet("id", anchor)
            headings.append((anchor, words.content))
    return tuple(headings)


def _mark_links(tokens: Sequence[Token]) -> None:
    """Other sites never learn where someone came from."""
    for token in tokens:
        for child in token.children or []:
            if child.type == "link_open" and str(child.attrGet("href")).startswith("https:"):
                child.attrSet("rel", "noreferrer")


def render(text: str, *, prefix: str = "part") -> Rendered:
    """`prefix` begins the headings' ids: two texts on one page need two."""
    tokens = PARSER.parse(text)
    headings = _mark_headings(tokens, prefix)
    _mark_links(tokens)
    html = PARSER.renderer.render(tokens, PARSER.options, {})
    return Rendered(html=SafeString(html), headings=headings)
