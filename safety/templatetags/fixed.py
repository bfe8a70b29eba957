"""Parts of a page that are the same for everybody: rendered once, then kept in memory."""

from itertools import groupby
from typing import Any

from django import template
from django.template.base import FilterExpression, Node, NodeList, Parser, Token, token_kwargs
from django.template.context import Context
from django.template.exceptions import TemplateSyntaxError
from django.template.loader_tags import BlockNode
from django.utils.translation import get_language

register = template.Library()

# So many renderings of one part, by language and by values; then it begins anew.
MOST = 200

# One text, or texts with blocks of the page in between.
Kept = str | list[str | NodeList]


@register.tag
def fixed(parser: Parser, token: Token) -> "FixedNode":
    """`{% fixed %}…{% endfixed %}`, or `{% fixed step=step %}…{% endfixed %}`.

    Inside nothing is known but the language and the values that are named, so that nothing of
    anybody's can be kept. Never name what is: who they are, or what they wrote. Blocks in between
    are left to the page, and know all that it knows.
    """
    name, *words = token.split_contents()
    given = token_kwargs(words, parser)
    if words:
        raise TemplateSyntaxError(f"“{name}” takes values by name, as in {name} step=step")
    nodelist = parser.parse((f"end{name}",))
    parser.delete_first_token()
    return FixedNode(given, nodelist)


class FixedNode(Node):
    def __init__(self, given: dict[str, FilterExpression], nodelist: NodeList) -> None:
        self.given = given
        # Where Django looks for blocks, each time that a page is made.
        self.nodelist = NodeList(filter(_is_block, nodelist))
        self.parts = [
            (is_block, NodeList(nodes)) for is_block, nodes in groupby(nodelist, _is_block)
        ]
        if any(part.get_nodes_by_type(BlockNode) for is_block, part in self.parts if not is_block):
            raise TemplateSyntaxError("In “fixed” a block stands by itself, not in another tag.")
        self.kept: dict[tuple[Any, ...], Kept] = {}

    def render(self, context: Context) -> str:
        values = [value.resolve(context) for value in self.given.values()]
        # By their types too: text that is safe is not the same as text that reads the same.
        key = (get_language(), *map(type, values), *values)
        kept = self.kept.get(key)
        if kept is None:
            kept = self._keep(key, values, context.template)
        if isinstance(kept, str):
            return kept
        return "".join([part if isinstance(part, str) else part.render(context) for part in kept])

    def _keep(self, key: tuple[Any, ...], values: list[Any], of: Any) -> Kept:
        alone = Context(dict(zip(self.given, values, strict=True)))
        with alone.bind_template(of):
            parts: list[str | NodeList] = [
                part if is_block else part.render(alone) for is_block, part in self.parts
            ]
        if len(self.kept) >= MOST:
            self.kept.clear()
        first = parts[0] if len(parts) == 1 else parts
        kept = self.kept[key] = first if isinstance(first, str) else parts
        return kept


def _is_block(node: Node) -> bool:
    return isinstance(node, BlockNode)
