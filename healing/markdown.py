"""Render our own Markdown: CommonMark without raw HTML, and one container (`::: why`)."""

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
    """`headings` are (anchor, words) of the second level, in order."""

    html: SafeString
    headings: tuple[tuple[str, str], ...]


def _render_why(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    return '<div class="why">\n' if tokens[index].nesting == 1 else "</div>\n"


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False})
    container_plugin(parser, "why", render=_render_why)
    return parser


PARSER = _parser()


def _add_anchors(tokens: Sequence[Token], prefix: str) -> tuple[tuple[str, str], ...]:
    """Number the anchors, so that they survive a translation of the words."""
    headings: list[tuple[str, str]] = []
    for opening, words in pairwise(tokens):
        if opening.type == "heading_open" and opening.tag == "h2":
            anchor = f"{prefix}-{len(headings) + 1}"
            opening.attrSet("id", anchor)
            headings.append((anchor, words.content))
    return tuple(headings)


def _add_noreferrer(tokens: Sequence[Token]) -> None:
    """Do not tell other sites where a visitor came from."""
    for token in tokens:
        for child in token.children or []:
            if child.type == "link_open" and str(child.attrGet("href")).startswith("https:"):
                child.attrSet("rel", "noreferrer")


def render(text: str, *, anchor_prefix: str = "part") -> Rendered:
    """Two texts on one page need two prefixes, or their anchors collide."""
    tokens = PARSER.parse(text)
    headings = _add_anchors(tokens, anchor_prefix)
    _add_noreferrer(tokens)
    html = PARSER.renderer.render(tokens, PARSER.options, {})
    return Rendered(html=SafeString(html), headings=headings)
