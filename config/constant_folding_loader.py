"""A template loader that renders the constant parts of templates once (ADR 24).

Most of a page is the same for everybody: translations, addresses, names of static files, icons.
Plain Django works them out again on every request, which is most of what rendering a page costs.
Here they become text when a nodelist is first rendered in a language, so no template needs a tag
for speed. Only nodes that read nothing from the context are folded; all others stay as they are.

A process has one URLconf, one script prefix (FORCE_SCRIPT_NAME) and one static files storage:
a test that overrides one of them has to reset the loaders.
"""

from collections.abc import Callable, Iterable
from typing import Any, cast

from django.template import Context, Node, NodeList, Template
from django.template.base import FilterExpression, Origin, TextNode, TokenType
from django.template.defaulttags import CommentNode, ForNode, IfNode, LoadNode, URLNode, WithNode
from django.template.engine import Engine
from django.template.loader_tags import BlockNode, ExtendsNode, IncludeNode
from django.template.loaders import base, cached
from django.templatetags.i18n import BlockTranslateNode, TranslateNode
from django.templatetags.static import StaticNode
from django.urls import get_resolver, get_urlconf
from django.utils.translation import get_language


class FoldingLoader(base.Loader):
    def get_template(self, template_name: str, skip: list[Origin] | None = None) -> Template:
        template = super().get_template(template_name, skip)
        fold(template.nodelist)
        return template


class Loader(cached.Loader, FoldingLoader):
    """Django's cached loader, which asks the next class for a template it has not cached yet.

    A template is folded before it is cached: no other thread renders it meanwhile.
    """


def fold(nodelist: NodeList) -> None:
    """Fold this nodelist and those inside it, in place."""
    for node in nodelist:
        for inner in _nodelists_of(node):
            fold(inner)
    if any(_is_constant(node) and type(node) is not TextNode for node in nodelist):
        nodelist[:] = [FoldedNode(NodeList(nodelist))]


def _nodelists_of(node: Node) -> list[NodeList]:
    if type(node) is IfNode:
        return [nodelist for _condition, nodelist in node.conditions_nodelists]
    if type(node) in {BlockNode, ExtendsNode, ForNode, WithNode}:
        return [getattr(node, name) for name in node.child_nodelists]
    return []


class FoldedNode(Node):
    """A nodelist, and for each language a copy with its constants joined into text."""

    def __init__(self, nodes: NodeList) -> None:
        self.nodes = nodes
        # ExtendsNode searches this for blocks on every render: leave out what holds none.
        self.nodelist = NodeList(node for node in nodes if not _is_constant(node))
        self.folded: dict[str | None, NodeList] = {}

    def render(self, context: Context) -> str:
        # Folded text is escaped for HTML.
        if not context.autoescape:
            return self.nodes.render(context)
        return self.in_language(cast(Template, context.template).engine).render(context)

    def in_language(self, engine: Engine) -> NodeList:
        """Return the nodes for the active language."""
        language = get_language()
        if language not in self.folded:
            self.folded[language] = _joined(_folded(node, engine) for node in self.nodes)
        return self.folded[language]


def _joined(nodes: Iterable[Node]) -> NodeList:
    """Join neighbouring text."""
    joined = NodeList()
    for node in nodes:
        before = joined[-1] if joined else None
        if isinstance(node, TextNode) and isinstance(before, TextNode):
            joined[-1] = TextNode(before.s + node.s)
        else:
            joined.append(node)
    return joined


def _folded(node: Node, engine: Engine) -> Node:
    """Return a constant node as text, any other as it is."""
    if not _is_constant(node):
        return node
    try:
        if type(node) is IncludeNode:
            return _constant_text(engine.get_template(str(node.template.var))) or node
        context = Context()
        with context.bind_template(Template("", engine=engine)):
            return TextNode(node.render(context))
    except Exception:
        # No such template, address or file: leave it to the node to raise that as Django does.
        return node


def _constant_text(template: Template) -> TextNode | None:
    """Return the text of a template that reads nothing from the context, else None."""
    nodes = template.nodelist
    if len(nodes) == 1 and isinstance(nodes[0], FoldedNode):
        nodes = nodes[0].in_language(template.engine)
    texts = [node.s for node in nodes if isinstance(node, TextNode)]
    return TextNode("".join(texts)) if len(texts) == len(nodes) else None


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


def _is_constant_include(node: IncludeNode) -> bool:
    """Return whether it names its template. Whether that is constant shows when it is loaded."""
    return _is_literal(node.template) and not node.extra_context


CHECKS: dict[type[Node], Callable[[Any], bool]] = {
    TextNode: lambda node: True,
    CommentNode: lambda node: True,
    LoadNode: lambda node: True,
    TranslateNode: _is_constant_translate,
    BlockTranslateNode: _is_constant_blocktranslate,
    URLNode: _is_constant_url,
    StaticNode: _is_constant_static,
    IncludeNode: _is_constant_include,
}
