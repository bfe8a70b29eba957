"""A template loader that renders the constant parts of templates once (ADR 24).

Most of a page is the same for everybody: translations, addresses, names of static files, icons,
and how its template is put together from others. Plain Django works all of that out again on every
request, which is most of what rendering a page costs. Here a template is prepared when it is first
rendered in a language, so no template needs a tag for speed:

* what reads nothing from the context becomes text;
* the blocks of `{% extends %}` stand where the parent has them;
* included templates stand in the one that includes them;
* variables without filters, and addresses with a small number in them, go a shorter way.

All other nodes stay Django's own. A process has one URLconf, one script prefix
(FORCE_SCRIPT_NAME) and one static files storage: a test that overrides one of them has to reset
the loaders.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from copy import copy
from html import escape
from typing import Any, cast

from django.template import Context, Node, NodeList, Template, VariableDoesNotExist
from django.template.base import (
    FilterExpression,
    Origin,
    TextNode,
    TokenType,
    VariableNode,
    render_value_in_context,
)
from django.template.defaulttags import (
    CommentNode,
    CsrfTokenNode,
    ForNode,
    IfNode,
    LoadNode,
    URLNode,
    WithNode,
)
from django.template.loader_tags import BLOCK_CONTEXT_KEY, BlockNode, ExtendsNode, IncludeNode
from django.template.loaders import base, cached
from django.templatetags.i18n import BlockTranslateNode, TranslateNode
from django.templatetags.static import StaticNode
from django.urls import get_resolver, get_urlconf
from django.utils.safestring import SafeString
from django.utils.translation import get_language

SUPER = "block.super"
READS_BLOCK = re.compile(r"\bblock\s*[.|](?!super\s*}})")


class FoldingLoader(base.Loader):
    def get_template(self, template_name: str, skip: list[Origin] | None = None) -> Template:
        template = super().get_template(template_name, skip)
        # With DEBUG, Django shows the lines of the template that failed: it needs its own nodes.
        if not self.engine.debug:
            template.nodelist = NodeList([FoldedNode(template)])
        return template


class Loader(cached.Loader, FoldingLoader):
    """Django's cached loader, which asks the next class for a template it has not cached yet.

    A template is changed before it is cached: no other thread renders it meanwhile.
    """


class FoldedNode(Node):
    """All nodes of a template, and for each language what they are folded to."""

    def __init__(self, template: Template) -> None:
        self.template = template
        self.nodes = template.nodelist
        # Where Django's ExtendsNode looks for the blocks of a parent. One that has a parent itself
        # adds its own blocks.
        self.nodelist = NodeList() if _extends_node(self.nodes) else self.nodes
        self.folded: dict[str | None, NodeList] = {}

    def render(self, context: Context) -> str:
        # Folded text is escaped for HTML, and has no blocks that an ExtendsNode could replace.
        if not context.autoescape or BLOCK_CONTEXT_KEY in context.render_context:
            return self.nodes.render(context)
        return self.in_language().render(context)

    def in_language(self) -> NodeList:
        """Return the nodes for the active language."""
        language = get_language()
        if language not in self.folded:
            try:
                self.folded[language] = fold(self.template)
            except CannotFold:
                self.folded[language] = self.nodes
        return self.folded[language]


class IsolatedNode(Node):
    """`{% include … with … only %}`, without looking for the template."""

    def __init__(self, values: dict[str, FilterExpression], nodelist: NodeList) -> None:
        self.values = values
        self.nodelist = nodelist

    def render(self, context: Context) -> str:
        values = {name: value.resolve(context) for name, value in self.values.items()}
        return self.nodelist.render(context.new(values))


class ScopeNode(Node):
    """Nodes that set variables, which end with the block or the included template they are in."""

    def __init__(self, nodelist: NodeList) -> None:
        self.nodelist = nodelist

    def render(self, context: Context) -> str:
        with context.push():
            return self.nodelist.render(context)


class PlainVariableNode(Node):
    """A variable without filters, for which strings and small numbers take no detour."""

    def __init__(self, node: VariableNode) -> None:
        self.node = node
        self.variable = node.filter_expression.var

    def render_annotated(self, context: Context) -> str:
        try:
            value = self.variable.resolve(context)
        except (VariableDoesNotExist, UnicodeDecodeError):
            return self.node.render(context)
        kind = type(value)
        if kind is str:
            return escape(value)
        # No language separates the digits of a number that has three of them.
        if kind is SafeString or (kind is int and abs(value) < 1000):
            return str(value)
        return render_value_in_context(value, context)

    render = render_annotated


class NumberedURLNode(Node):
    """The address of a page with a small number in it, such as a step. Few numbers are that small:
    their addresses are stored."""

    def __init__(self, node: URLNode) -> None:
        self.node = node
        (self.argument,) = node.args
        self.addresses: dict[int, str] = {}

    def render(self, context: Context) -> str:
        number = self.argument.resolve(context)
        if type(number) is not int or not 0 <= number < 100:
            return self.node.render(context)
        if number not in self.addresses:
            self.addresses[number] = self.node.render(context)
        return self.addresses[number]


class CannotFold(Exception):
    """Only Django can tell what this template does."""


class ReadsBlock(CannotFold):
    """It reads the variable `block`, which nothing sets once blocks are in their places."""


def fold(template: Template, including: tuple[str, ...] = ()) -> NodeList:
    """Return the nodes of a template for the active language. Raises CannotFold."""
    chain = [template]
    while parent := _parent(chain[-1]):
        if parent.name in {each.name for each in chain}:
            raise CannotFold
        chain.append(parent)
    if any(READS_BLOCK.search(each.source) for each in chain):
        raise ReadsBlock
    nodes = _Folder(chain, including).folded()
    # Inside a node that is not known here.
    if nodes.get_nodes_by_type(BlockNode):
        raise CannotFold
    return nodes


def _nodes(template: Template) -> NodeList:
    """Return the nodes of a template as Django made them."""
    nodes = template.nodelist
    return next((node.nodes for node in nodes if isinstance(node, FoldedNode)), nodes)


def _extends_node(nodes: NodeList) -> ExtendsNode | None:
    return next((node for node in nodes if isinstance(node, ExtendsNode)), None)


def _parent(template: Template) -> Template | None:
    extends = _extends_node(_nodes(template))
    if extends is None:
        return None
    name = cast(FilterExpression, extends.parent_name)
    if type(extends) is not ExtendsNode or not _is_literal(name):
        raise CannotFold
    try:
        return template.engine.get_template(str(name.var))
    except Exception as error:
        raise CannotFold from error


class _Folder:
    """Folds one template, together with those that it extends."""

    def __init__(self, chain: list[Template], including: tuple[str, ...]) -> None:
        self.chain = chain
        self.engine = chain[0].engine
        # The templates that are being folded, from the page to this one.
        self.names = (*including, *(str(each.name) for each in chain))
        # By name, those of the page before those of its parents.
        self.blocks: dict[str, list[BlockNode]] = {}
        for each in chain:
            for block in cast(list[BlockNode], _nodes(each).get_nodes_by_type(BlockNode)):
                self.blocks.setdefault(block.name, []).append(block)
        # The blocks that are being folded, the innermost last.
        self.open: list[str] = []

    def folded(self) -> NodeList:
        return _joined(node for each in self.chain for node in self._outside_blocks(each))

    def _outside_blocks(self, template: Template) -> Iterator[Node]:
        """Of a template that extends another, Django renders nothing but what stands before."""
        for node in _nodes(template):
            if not isinstance(node, ExtendsNode):
                yield from self._node(node)

    def _list(self, nodes: NodeList) -> NodeList:
        return _joined(folded for node in nodes for folded in self._node(node))

    def _node(self, node: Node) -> Iterator[Node]:
        """Yield what takes the place of a node."""
        if type(node) is BlockNode:
            if not self._has_block(node.name):
                raise CannotFold
            yield from self._block(node.name)
        elif type(node) is VariableNode and node.filter_expression.token == SUPER:
            if not self.open or len(self.chain) == 1:
                raise ReadsBlock
            if self._has_block(self.open[-1]):
                yield from self._block(self.open[-1])
        elif type(node) is IncludeNode and _is_literal(node.template):
            yield from self._included(node)
        elif _is_constant(node):
            yield self._text(node)
        else:
            yield self._inside(node)

    def _has_block(self, name: str) -> bool:
        return self.open.count(name) < len(self.blocks[name])

    def _block(self, name: str) -> list[Node]:
        """Fold the block of this name; within itself, that is the block of the next parent."""
        block = self.blocks[name][self.open.count(name)]
        self.open.append(name)
        nodes = self._list(block.nodelist)
        self.open.pop()
        return _scoped(nodes)

    def _included(self, node: IncludeNode) -> Iterator[Node]:
        nodes = self._nodes_of_included(node)
        if nodes is None or not all(type(each) in KNOWN for each in nodes.get_nodes_by_type(Node)):
            yield node
        elif all(isinstance(each, TextNode) for each in nodes):
            yield from nodes
        elif node.isolated_context:
            yield IsolatedNode(node.extra_context, nodes)
        elif node.extra_context:
            yield WithNode(None, None, nodes, node.extra_context)
        else:
            yield from _scoped(nodes)

    def _nodes_of_included(self, node: IncludeNode) -> NodeList | None:
        name = str(node.template.var)
        if name in self.names:
            return None
        try:
            return fold(self.engine.get_template(name), self.names)
        except ReadsBlock:
            # That of the template which includes it.
            if not node.isolated_context:
                raise
        except Exception:
            # No such template, or one that Django cannot parse: leave it to the node to raise that.
            return None
        return None

    def _text(self, node: Node) -> Node:
        context = Context()
        # What cannot be rendered: leave it to the node to raise that as Django does.
        with suppress(Exception), context.bind_template(Template("", engine=self.engine)):
            return TextNode(node.render(context))
        return node

    def _inside(self, node: Node) -> Node:
        """Return the node with the nodelists in it folded."""
        if type(node) is IfNode:
            node = copy(node)
            node.conditions_nodelists = [
                (condition, self._list(nodes)) for condition, nodes in node.conditions_nodelists
            ]
        elif type(node) is VariableNode and _is_plain(node.filter_expression):
            node = PlainVariableNode(node)
        elif type(node) is URLNode and _is_numbered(node):
            node = NumberedURLNode(node)
        elif type(node) in {ForNode, WithNode}:
            node = copy(node)
            for name in node.child_nodelists:
                setattr(node, name, self._list(getattr(node, name)))
        return node


def _joined(nodes: Iterator[Node]) -> NodeList:
    """Join neighbouring text."""
    joined = NodeList()
    for node in nodes:
        before = joined[-1] if joined else None
        if isinstance(node, TextNode) and isinstance(before, TextNode):
            joined[-1] = TextNode(before.s + node.s)
        elif not isinstance(node, TextNode) or node.s:
            joined.append(node)
    return joined


def _scoped(nodes: NodeList) -> list[Node]:
    return [ScopeNode(nodes)] if any(map(_sets_variables, nodes)) else nodes


def _sets_variables(node: Node) -> bool:
    """Return whether a variable may be set that the next nodes see."""
    if type(node) is IfNode:
        return any(map(_sets_variables, node))
    variable = getattr(node, "asvar", None) or getattr(node, "varname", None)
    return type(node) not in KNOWN or variable is not None


def _is_plain(expression: FilterExpression) -> bool:
    return expression.is_var and not expression.filters


def _is_numbered(node: URLNode) -> bool:
    """Return whether nothing but one argument makes a difference to the address."""
    is_one_page = node.asvar is None and _is_literal(node.view_name) and not node.kwargs
    return is_one_page and len(node.args) == 1 and _has_one_instance(str(node.view_name.var))


# --- What is constant ----------------------------------------------------------------------


def _is_constant(node: Node) -> bool:
    # By exact class: a subclass may read the context.
    check = CHECKS.get(type(node))
    return check is not None and check(node)


def _is_literal(*expressions: FilterExpression | None) -> bool:
    """Return whether each is a quoted string or a number, without filters, or is not given."""
    return not any(
        expression and (expression.filters or getattr(expression.var, "lookups", None) is not None)
        for expression in expressions
    )


def _is_constant_translate(node: TranslateNode) -> bool:
    return node.asvar is None and _is_literal(node.filter_expression, node.message_context)


def _is_constant_blocktranslate(node: BlockTranslateNode) -> bool:
    has_variables = node.asvar or node.extra_context or node.counter or node.plural
    return (
        not has_variables
        and _is_literal(node.message_context)
        and all(token.token_type is TokenType.TEXT for token in node.singular)
    )


def _is_constant_url(node: URLNode) -> bool:
    return (
        node.asvar is None
        and _is_literal(node.view_name, *node.args, *node.kwargs.values())
        and _has_one_instance(str(node.view_name.var))
    )


def _has_one_instance(view_name: str) -> bool:
    """Return whether the request's current app makes no difference to this address.

    It chooses between several instances of one application namespace.
    """
    namespaces = view_name.split(":")[:-1]
    apps = get_resolver(get_urlconf()).app_dict
    return len(namespaces) <= 1 and all(len(apps.get(name, [])) <= 1 for name in namespaces)


def _is_constant_static(node: StaticNode) -> bool:
    return node.varname is None and _is_literal(node.path)


CHECKS: dict[type[Node], Callable[[Any], bool]] = {
    TextNode: lambda node: True,
    CommentNode: lambda node: True,
    LoadNode: lambda node: True,
    TranslateNode: _is_constant_translate,
    BlockTranslateNode: _is_constant_blocktranslate,
    URLNode: _is_constant_url,
    StaticNode: _is_constant_static,
}

# Nodes that store nothing in the render context, which belongs to one template, and set no variable
# but those that `_sets_variables` looks for.
KNOWN = {
    *CHECKS,
    CsrfTokenNode,
    ForNode,
    IfNode,
    IncludeNode,
    IsolatedNode,
    NumberedURLNode,
    PlainVariableNode,
    ScopeNode,
    VariableNode,
    WithNode,
}
