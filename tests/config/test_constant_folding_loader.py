"""Folded templates read the same as plain ones, and nothing that could change is folded."""

import itertools
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import PurePath
from typing import Any

import pytest
from django.http import HttpRequest
from django.template import (
    Context,
    Engine,
    NodeList,
    RequestContext,
    Template,
    TemplateDoesNotExist,
    TemplateSyntaxError,
    engines,
)
from django.template.base import TextNode
from django.template.defaulttags import URLNode
from django.templatetags.i18n import TranslateNode
from django.test import RequestFactory, override_settings
from django.urls import NoReverseMatch, clear_url_caches, include, path, re_path
from django.utils import translation
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy

from config.constant_folding_loader import FoldedNode
from tests.support.template_files import TEMPLATES

# Django brings a catalogue of its own in each language, and Polish has two words for a month.
LANGUAGES = ["en", "pl"]
LIBRARIES = {
    "i18n": "django.templatetags.i18n",
    "static": "django.templatetags.static",
    "allauth": "allauth.templatetags.allauth",
}
LOADERS = ["django.template.loaders.cached.Loader", "config.constant_folding_loader.Loader"]
LOAD = "{% load i18n static %}"

CONSTANT = {
    "text": "<p>quiet</p>",
    "load": "a{% load i18n %}b",
    "comment": "a{% comment %}never shown{% endcomment %}b{# nor this #}c",
    "translate": "{% translate 'March' %}",
    "translate in a context": "{% translate 'March' context 'alt. month' %}",
    "translate noop": "{% translate 'March' noop %}",
    "translate with a percent sign": "{% translate '100 %' %}",
    "translate with markup": "{% translate '<b>&</b>' %}",
    "blocktranslate": "{% blocktranslate %}March{% endblocktranslate %}",
    "blocktranslate in a context": (
        "{% blocktranslate context 'alt. month' %}March{% endblocktranslate %}"
    ),
    "blocktranslate trimmed": "{% blocktranslate trimmed %}\n  100 %\n  <b>{% endblocktranslate %}",
    "url": "{% url 'home:today' %}",
    "url with arguments": "{% url 'healing:step' 3 %} {% url 'healing:reading' slug='signs' %}",
    "static": "{% static 'css/app.css' %}",
    "include": "{% include 'constant.html' %}",
    "include of an include": "{% include 'nested.html' %}",
    "include only": "{% include 'constant.html' only %}",
    "include by a relative name": "{% include './constant.html' %}",
    "include of a constant with a value": "{% include 'constant.html' with name=name %}",
}
VARIABLE = {
    "variable": "{{ name }}",
    "translate a variable": "{% translate name %}",
    "translate with a filter": "{% translate 'March'|add:name %}",
    "translate with a filter that reads nothing": "{% translate 'March'|upper %}",
    "translate in a variable context": "{% translate 'March' context which %}",
    "translate into a variable": "{% translate 'March' as month %}[{{ month }}]",
    "blocktranslate a variable": "{% blocktranslate %}March {{ name }}{% endblocktranslate %}",
    "blocktranslate with": (
        "{% blocktranslate with month=name %}March {{ month }}{% endblocktranslate %}"
    ),
    "blocktranslate with nothing that is shown": (
        "{% blocktranslate with month=name %}March{% endblocktranslate %}"
    ),
    "blocktranslate count": (
        "{% blocktranslate count many=number %}March{% plural %}Marches{% endblocktranslate %}"
    ),
    "blocktranslate count of a number": (
        "{% blocktranslate count many=2 %}March{% plural %}{{ name }}{% endblocktranslate %}"
    ),
    "blocktranslate in a variable context": (
        "{% blocktranslate context which %}March{% endblocktranslate %}"
    ),
    "blocktranslate into a variable": (
        "{% blocktranslate asvar month %}March{% endblocktranslate %}[{{ month }}]"
    ),
    "url with a variable": "{% url 'healing:step' number %}",
    "url with a variable keyword": "{% url 'healing:reading' slug=slug %}",
    "url with a filter": "{% url 'healing:step' 2|add:number %}",
    "url by a variable": "{% url view %}",
    "url into a variable": "{% url 'home:today' as there %}[{{ there }}]",
    "url that may be missing": "{% url 'no:such' as there %}[{{ there }}]",
    "static by a variable": "{% static file %}",
    "static into a variable": "{% static 'css/app.css' as there %}[{{ there }}]",
    "include by a variable": "{% include template %}",
    "include by a filter": "{% include 'constant.html'|slice:'2:' %}",
    "include of what is not constant": "{% include 'variable.html' %}",
    "include with a value": "{% include 'variable.html' with name='<i>' %}",
    "include only, not constant": "{% include 'variable.html' only %}",
    "csrf_token": "{% csrf_token %}",
    "get_current_language": "{% get_current_language as code %}[{{ code }}]",
    "now": "{% now 'e' %}",
    "cycle": "{% for one in many %}{% cycle 'a' 'b' %}{% endfor %}",
    "firstof": "{% firstof name 'x' %}",
}
# Constants inside nodes that decide, repeat or escape, beside what reads the context.
MIXED = {
    "if": (
        "{% if name %}{% translate 'March' %}{{ name }}{% elif many %}{% translate 'May' %}"
        "{% endif %}"
    ),
    "else": "{% if not name %}no{% else %}{% static 'css/app.css' %}{{ name }}{% endif %}",
    "for": "{% for one in many %}{% translate 'March' %}{{ one }}{% endfor %}",
    "for empty": "{% for one in none %}{{ one }}{% empty %}{% translate 'March' %}{% endfor %}",
    "with": "{% with who=name %}{% translate 'March' %}{{ who }}{% endwith %}",
    "autoescape off": "{% autoescape off %}{% translate '<b>' %}{{ name }}{% endautoescape %}",
    "include in autoescape off": (
        "{% autoescape off %}{% include 'address.html' %}{% endautoescape %}"
    ),
    "address escaped": "{% include 'address.html' %}",
    "language": "{% language 'pl' %}{% translate 'March' %}{{ name }}{% endlanguage %}",
    "include in a language": "{% language 'pl' %}{% include 'constant.html' %}{% endlanguage %}",
    "spaceless": "{% spaceless %}<p> {% translate 'March' %} </p> <p></p>{% endspaceless %}",
    "filter": "{% filter upper %}{% translate 'March' %}{{ name }}{% endfilter %}",
    "verbatim": "{% verbatim %}{% translate 'March' %}{% endverbatim %}",
    "extends": (
        "{% extends 'base.html' %}{% load i18n %}"
        "{% block one %}{{ block.super }}{% translate 'May' %}{{ name }}{% endblock %}"
        "{% block inner %}{% translate 'May' %}{% endblock %}"
    ),
    "extends twice": "{% extends 'child.html' %}{% block one %}{{ block.super }}!{% endblock %}",
    "extends by a variable": "{% extends base %}{% block inner %}{{ name }}{% endblock %}",
    "include of a page with blocks": "{% include 'child.html' %}",
    "include of itself": (
        "{% translate 'March' %}{% if many %}{% with many=none %}{% include 'page.html' %}"
        "{% endwith %}{% endif %}"
    ),
    "include in a loop": (
        "{% for one in many %}{% include 'variable.html' with name=one only %}{% endfor %}"
    ),
    "slots": "{% load allauth %}{% slot one %}{% translate 'March' %}{% endslot %}",
    "include with a value, not only": "{% include 'outer.html' with name='<i>' %}{{ name }}",
    "include only does not see the rest": "{% include 'outer.html' with name=number only %}",
    "include that sets a variable": "{% include 'sets.html' %}[{{ month }}{{ there }}]",
    "include in an if that sets a variable": (
        "{% if name %}{% include 'sets.html' %}{% endif %}[{{ month }}{{ there }}]"
    ),
    "include that remembers": (
        "{% for one in many %}{% include 'remembers.html' %}{% endfor %}"
        "{% for one in many %}{% include 'remembers.html' with x=1 only %}{% endfor %}"
    ),
    "include of what includes a variable": "{% include 'deeper.html' with name='<i>' only %}",
    "include of two that include each other": (
        "{% if many %}{% with many=none %}{% include 'other-way.html' %}{% endwith %}{% endif %}"
    ),
    "include of a page with a parent by a variable": "{% include 'by-variable.html' %}",
    "include that shows the block it is in": (
        "{% extends 'base.html' %}{% block one %}{% include 'super.html' %}"
        "{% include 'super.html' only %}{% endblock %}"
    ),
    "super twice": (
        "{% extends 'child.html' %}{% block one %}{{ block.super }}{{ block.super }}{% endblock %}"
    ),
    "super in an if": (
        "{% extends 'child.html' %}{% block one %}{% if name %}{{ block.super }}{% endif %}"
        "{% endblock %}{% block inner %}{{ block.super }}{{ name }}{% endblock %}"
    ),
    "super with a filter": (
        "{% extends 'child.html' %}{% block one %}{{ block.super|upper }}{% endblock %}"
    ),
    "super as a condition": (
        "{% extends 'child.html' %}{% block two %}{% if block.super %}{{ block.super }}{% endif %}"
        "{% endblock %}"
    ),
    "super outside of a block": "[{{ block.super }}]{{ name }}",
    "name of a block": "{% extends 'base.html' %}{% block one %}{{ block.name }}{% endblock %}",
    "block that no parent has": (
        "{% extends 'child.html' %}{% block none %}{{ name }}{% endblock %}{{ number }}"
    ),
    "block in a block of another order": (
        "{% extends 'base.html' %}{% block inner %}{% block two %}{{ name }}{% endblock %}"
        "{% endblock %}"
    ),
    "block in a node that is not folded": (
        "{% extends 'filtered.html' %}{% load i18n %}"
        "{% block one %}{% translate 'May' %}{{ name }}{% endblock %}"
    ),
    "block that sets a variable": (
        "{% extends 'base.html' %}{% load i18n %}"
        "{% block one %}{% translate 'May' as name %}{{ name }}{% endblock %}"
        "{% block two %}{{ name }}{% endblock %}"
    ),
    "extends by a relative name": "{% extends './child.html' %}{% block inner %}!{% endblock %}",
    "extends with a filter": "{% extends 'child'|add:'.html' %}{% block inner %}!{% endblock %}",
    "extends of what has text before": (
        "{% extends 'text-before.html' %}{% block two %}{{ name }}{% endblock %}"
    ),
    "extends by a variable that extends": (
        "{% extends child %}{% block one %}{{ block.super }}{% endblock %}"
    ),
}
# Values of every kind, where a variable is shown as it is.
VALUES_SHOWN = [
    "<&\"'>", mark_safe("<&>"), gettext_lazy("March"), 0, 7, -999, 1000, 1234567, True, None, 1.5,
    Decimal("1234.5"), date(2026, 3, 1), datetime(2026, 3, 1, 12, 0, tzinfo=UTC), ["<"],
]  # fmt: skip
OTHERS = {
    "constant.html": LOAD + "<i>{% translate 'March' %}</i>{% url 'home:today' %}\n",
    "nested.html": LOAD + "{% include 'constant.html' %}{% static 'img/icon.svg' %}",
    # What would be included if the name were taken as it stands.
    "./constant.html": "wrong",
    "nstant.html": "by a filter",
    "./child.html": "wrong",
    "text-before.html": "<p>{# nothing #}{% extends 'child.html' %}",
    "extends-nothing.html": "{% extends 'no-such.html' %}",
    "outer.html": LOAD + "{{ name }}{{ number }}{% translate 'March' %}{{ slug|upper }}",
    "sets.html": LOAD
    + "{% translate 'March' as month %}{% url 'home:today' as there %}{{ month }}",
    "remembers.html": "{% cycle 'a' 'b' %}",
    "deeper.html": "{% include 'variable.html' %}{% include 'outer.html' with number=1 only %}",
    "other-way.html": "{% if many %}{% include 'page.html' %}{% endif %}{{ name }}",
    "by-variable.html": "{% extends base %}{% block inner %}{{ name }}{% endblock %}",
    "super.html": "[{{ block.super }}]",
    "filtered.html": "{% filter upper %}{% block one %}a{% endblock %}{% endfilter %}",
    "variable.html": LOAD + "{% translate 'March' %} {{ name }}",
    "address.html": LOAD + "{% url 'healing:reading' 'signs' %}{% static \"it's.css\" %}",
    "base.html": (
        LOAD + "{% translate 'March' %}<{% block one %}{% translate 'April' %}{% block inner %}"
        "{{ name }}{% endblock %}{% endblock %}>"
        "{% if name %}{% block two %}{% endblock %}{% endif %}"
    ),
    "child.html": (
        "{% extends 'base.html' %}{% load i18n %}"
        "{% block one %}{% translate 'May' %}{{ block.super }}{% endblock %}"
        "{% block two %}{% translate 'March' %}{% endblock %}"
    ),
}


class Twice:
    """One template in two engines: as Django's loader and as ours prepares it."""

    def __init__(self, source: str, **options: Any) -> None:
        templates = OTHERS | {"page.html": source}
        locmem = ("django.template.loaders.locmem.Loader", templates)
        self.plain, self.folded = (
            Engine(loaders=[(loader, [locmem])], libraries=LIBRARIES, **options)
            for loader in LOADERS
        )

    @property
    def template(self) -> Template:
        return self.folded.get_template("page.html")

    def render(self, **values: Any) -> str:
        """Render by both, by ours twice; fail where they differ."""
        context = {
            "name": "<Noor & Bo>", "number": 3, "many": ["a", "<b>"], "none": [], "slug": "signs",
            "which": "alt. month", "file": "css/app.css", "view": "home:today",
            "template": "variable.html", "base": "base.html", "child": "child.html", "slots": {},
            "csrf_token": "a token",
        } | values  # fmt: skip
        plain = self.plain.get_template("page.html").render(Context(context.copy()))
        first, second = (self.template.render(Context(context.copy())) for _ in range(2))
        assert first == plain
        assert second == plain
        return plain


def source_of(tags: str) -> str:
    # An {% extends %} comes before any other tag.
    return tags if tags.startswith("{% extends") else LOAD + tags


def folded_nodes(template: Template) -> NodeList:
    """What is left of it, in the active language."""
    (node,) = template.nodelist
    assert isinstance(node, FoldedNode)
    return node.in_language()


def is_text(template: Template) -> bool:
    return [type(node) for node in folded_nodes(template)] == [TextNode]


@pytest.fixture(autouse=True)
def plain_file_names(settings: Any) -> None:
    """The files of these templates are not collected."""
    storage = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": storage}}


@pytest.mark.parametrize("tags", CONSTANT.values(), ids=CONSTANT)
def test_constant_becomes_text_in_each_language(tags: str) -> None:
    page = Twice(source_of(tags))

    for language in LANGUAGES * 2:
        with translation.override(language):
            page.render()
            assert is_text(page.template)


@pytest.mark.parametrize("tags", VARIABLE.values(), ids=VARIABLE)
def test_what_reads_the_context_is_not_folded(tags: str) -> None:
    page = Twice(source_of(tags))

    for language in LANGUAGES * 2:
        with translation.override(language):
            page.render()
            assert not is_text(page.template)
            page.render(name="other", number=1, many=[], slug="closing-words", which="", file="x")


@pytest.mark.parametrize("autoescape", [True, False])
@pytest.mark.parametrize("tags", MIXED.values(), ids=MIXED)
def test_constants_among_other_nodes_read_the_same(tags: str, autoescape: bool) -> None:
    page = Twice(source_of(tags), autoescape=autoescape)

    for language in LANGUAGES * 2:
        with translation.override(language):
            page.render()
            page.render(name="", many=[])


def test_languages_differ() -> None:
    """Or the tests above would compare nothing."""
    page = Twice(LOAD + "{% translate 'March' %} {% translate 'March' context 'alt. month' %}")

    said = []
    for language in LANGUAGES:
        with translation.override(language):
            said.append(page.render())

    assert said == ["March March", "Marzec marca"]


def test_translations_of_one_page_follow_the_language_not_the_first_visitor() -> None:
    """A template is held across a change of language, as {% language %} and mails do."""
    template = Twice(LOAD + "{% translate 'March' %}").template

    for language, word in [("en", "March"), ("pl", "Marzec"), ("en", "March")]:
        with translation.override(language):
            assert template.render(Context()) == word


def test_neighbours_become_one_text() -> None:
    page = Twice(LOAD + "<p>{% translate 'March' %}{% include 'nested.html' %}</p>{{ name }}</p>")

    names = [type(node).__name__ for node in folded_nodes(page.template)]

    assert names == ["TextNode", "PlainVariableNode", "TextNode"]


def test_nothing_of_one_visitor_is_shown_to_another() -> None:
    page = Twice(
        LOAD + "{% translate 'March' %}{% include 'variable.html' %}"
        "{% if name %}{% translate 'May' %}{{ name }}{% endif %}{% csrf_token %}"
    )

    for name in ("Noor", "Bo"):
        assert page.render(name=name, csrf_token=f"token of {name}").count(name) == 3


def test_subclass_of_a_constant_node_is_not_folded() -> None:
    """A tag of somebody else's may read the context all the same."""
    page = Twice(LOAD + "{% static 'css/app.css' %}")
    (folded,) = page.template.nodelist
    node = next(node for node in folded.nodes if type(node).__name__ == "StaticNode")

    methods = {"render": lambda self, context: context.get("name", "")}
    node.__class__ = type("Mine", (type(node),), methods)

    assert not is_text(page.template)
    assert page.template.render(Context({"name": "Noor"})) == "Noor"


@pytest.mark.parametrize(
    ("tags", "error"),
    [
        ("{% url 'no:such' %}", NoReverseMatch),
        ("{% url 'healing:step' 99 %}", NoReverseMatch),
        ("{% url _('home:today') %}", NoReverseMatch),
        ("{% include 'no-such.html' %}", TemplateDoesNotExist),
        ("{% include 'extends-nothing.html' %}", TemplateDoesNotExist),
        ("{% block one %}{{ block.super }}{% endblock %}", TemplateSyntaxError),
    ],
)
@pytest.mark.parametrize("debug", [True, False])
def test_what_fails_fails_as_in_plain_django(
    tags: str, error: type[Exception], debug: bool
) -> None:
    page = Twice(LOAD + tags + "{{ name }}", debug=debug)
    hidden = Twice(LOAD + "{% if name %}" + tags + "{% endif %}", debug=debug)

    for engine in (page.plain, page.folded, page.folded):
        with pytest.raises(error) as raised:
            engine.get_template("page.html").render(Context())
        assert hasattr(raised.value, "template_debug") is debug
    assert hidden.render(name="") == ""


@pytest.mark.parametrize(
    "tags",
    [
        "{% if name %}{% translate 'March' %}{% endif %}",
        "{% if x %}{% elif x %}{% else %}{% translate 'March' %}{% endif %}",
        "{% for one in many %}{% translate 'March' %}{% endfor %}",
        "{% for one in none %}{% empty %}{% translate 'March' %}{% endfor %}",
        "{% with who=name %}{% translate 'March' %}{% endwith %}",
        "{% block one %}{% translate 'March' %}{% endblock %}",
        "{% extends 'base.html' %}{% block one %}{% url 'home:today' %}{% endblock %}",
        "{% for one in many %}{% if one %}{% with a=1 %}{% block one %}{% url 'home:today' %}"
        "{% endblock %}{% endwith %}{% endif %}{% endfor %}",
    ],
)
def test_constants_inside_other_nodes_are_folded(tags: str) -> None:
    page = Twice(source_of(tags))

    assert not folded_nodes(page.template).get_nodes_by_type((TranslateNode, URLNode))


@pytest.mark.parametrize(
    ("tags", "left"),
    [
        ("{% include 'variable.html' %}", ["TextNode", "PlainVariableNode"]),
        ("{% include 'variable.html' with name=slug %}", ["WithNode"]),
        ("{% include 'variable.html' with name=slug only %}", ["IsolatedNode"]),
        ("{% include 'sets.html' %}", ["ScopeNode"]),
        ("{% include 'remembers.html' %}", ["IncludeNode"]),
        ("{% include 'page.html' %}", ["IncludeNode"]),
        ("{% extends 'base.html' %}", ["TextNode", "PlainVariableNode", "TextNode", "IfNode"]),
        ("{% extends base %}", ["ExtendsNode"]),
        ("{% url 'healing:step' number %}", ["NumberedURLNode"]),
        ("{% url 'healing:reading' slug=slug %}", ["URLNode"]),
    ],
)
def test_what_takes_the_place_of_templates_and_tags(tags: str, left: list[str]) -> None:
    names = [type(node).__name__ for node in folded_nodes(Twice(source_of(tags)).template)]

    assert names[: len(left)] == left


@pytest.mark.parametrize("value", VALUES_SHOWN, ids=repr)
@pytest.mark.parametrize("separated", [True, False])
def test_variable_of_any_kind_reads_the_same(value: Any, separated: bool) -> None:
    page = Twice(LOAD + "<p>{{ name }}{{ number }}")

    with override_settings(USE_THOUSAND_SEPARATOR=separated):
        for language in LANGUAGES:
            with translation.override(language):
                page.render(name=value, number=[value])


def test_variable_that_is_missing_reads_the_same() -> None:
    for invalid in ("", "invalid", "invalid: %s"):
        page = Twice("<p>{{ missing }}{{ name.missing }}{{ many.7 }}", string_if_invalid=invalid)

        assert ("missing" in page.render()) is ("%s" in invalid)


def test_address_follows_the_number() -> None:
    page = Twice(LOAD + "{% url 'healing:step' number %}")

    for number in (3, 5, 3, "5", 3):
        assert page.render(number=number) == f"/steps/{number}/"
    (node,) = folded_nodes(page.template)
    assert node.addresses == {3: "/steps/3/", 5: "/steps/5/"}  # type: ignore[attr-defined]


@pytest.mark.parametrize("number", [0, 99, -1, 100, True, None, "x"])
def test_address_with_a_number_that_no_page_has_fails_as_in_plain_django(number: Any) -> None:
    page = Twice(LOAD + "{% url 'healing:step' number %}")

    for engine in (page.plain, page.folded):
        with pytest.raises(NoReverseMatch):
            engine.get_template("page.html").render(Context({"number": number}))


def test_parent_has_its_blocks_for_children_of_both_kinds() -> None:
    """One is put together once, the other names its parent only when it is rendered."""
    page = Twice("{% extends 'child.html' %}{% block two %}!{{ block.super }}{% endblock %}")
    other = Twice("{% extends child %}{% block two %}!{{ block.super }}{% endblock %}")

    assert page.render() == other.render()
    assert page.folded.get_template("child.html").render(Context({"name": "Noor"})).count("!") == 0


def test_nothing_is_folded_where_django_explains_failures() -> None:
    page = Twice(LOAD + "{% translate 'March' %}", debug=True)

    assert not page.template.nodelist.get_nodes_by_type(FoldedNode)


def test_changed_template_is_read_again_after_a_reset() -> None:
    """As the reloader of `runserver` does it."""
    page = Twice("{% include 'constant.html' %}")
    page.render()

    (loader,) = page.folded.template_loaders
    locmem = loader.loaders[0].templates_dict  # type: ignore[attr-defined]
    locmem["constant.html"] = "changed"
    loader.reset()

    assert page.template.render(Context()) == "changed"


# --- Two instances of one application, of which the request chooses one -----------------------


def _nothing(request: HttpRequest) -> Any: ...


_one = ([path("there/", _nothing, name="there")], "twofold")
urlpatterns = [
    re_path("^maybe/(.*)$", _nothing, name="maybe"),
    re_path("^named/(?P<rest>.*)$", _nothing, name="named"),
    path("first/", include(_one, namespace="first")),
    path("second/", include(_one, namespace="second")),
    path("single/", include(([path("there/", _nothing, name="there")], "single"))),
]


@pytest.fixture
def two_instances() -> Iterator[None]:
    with override_settings(ROOT_URLCONF=__name__):
        yield
    clear_url_caches()


@pytest.mark.usefixtures("two_instances")
def test_address_in_one_of_two_instances_follows_the_request(rf: RequestFactory) -> None:
    page = Twice(LOAD + "{% url 'twofold:there' %} {% url 'single:there' %}")
    found = []
    for instance in ("first", "second"):
        request = rf.get("/")
        request.current_app = instance  # type: ignore[attr-defined]
        found.append(page.template.render(RequestContext(request)))

    assert found == ["/first/there/ /single/there/", "/second/there/ /single/there/"]
    assert (
        "".join(node.s for node in folded_nodes(page.template) if type(node) is TextNode)
        == " /single/there/"
    )


@pytest.mark.usefixtures("two_instances")
def test_address_that_takes_an_empty_argument_is_not_folded() -> None:
    page = Twice(LOAD + "{% url 'maybe' name %} {% url 'named' rest=name %}")

    for name in ("Noor", "Bo"):
        assert page.render(name=name) == f"/maybe/{name} /named/{name}"


# --- Every template of ours ------------------------------------------------------------------


class Anything:
    """A value that has any attribute, so that the branches of a template are rendered."""

    def __init__(self, number: int = 3) -> None:
        self.number = number

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name in {"render", "template", "resolve_expression"}:
            raise AttributeError(name)
        return Anything(self.number + 1)

    def __iter__(self) -> Iterator[Any]:
        return iter([("anchor", "<words>"), ("other", "words")])

    def __str__(self) -> str:
        return f"<anything & {self.number}>"


FILES = sorted(path.relative_to(TEMPLATES) for path in TEMPLATES.rglob("*") if path.is_file())
NAMES = [
    "again", "answer", "answers", "care", "contents", "country", "exercise", "field", "form",
    "found", "kind", "letter", "letters", "line", "mark", "messages", "next_step",
    "note", "now", "page", "reading", "row", "rows", "schedule", "sources", "step",
    "step_statuses", "user", "words",
]  # fmt: skip
VALUES: list[dict[str, Any]] = [{}, dict.fromkeys(NAMES, Anything()), {"step": 3, "number": 1}]


def engine_of_ours(loader: str) -> Engine:
    backend = engines["django"].engine
    (_ours, loaders), *_ = backend.loaders
    return Engine(dirs=backend.dirs, loaders=[(loader, loaders)], libraries=backend.libraries)


@pytest.mark.parametrize("room", sorted({file.parts[0] for file in FILES}))
def test_template_of_ours_reads_the_same(room: str) -> None:
    plain = engine_of_ours(LOADERS[0])

    for file in (file for file in FILES if file.parts[0] == room):
        # A new one, which has folded nothing yet.
        folded = engine_of_ours(LOADERS[1])
        for language, values in itertools.product(LANGUAGES * 2, VALUES):
            with translation.override(language):
                expected = outcome(plain, file, values)
                assert outcome(folded, file, values) == expected, (file, language)


def outcome(engine: Engine, file: PurePath, values: dict[str, Any]) -> str:
    """The page, or the name of the error where it cannot do without what is not given."""
    try:
        return engine.get_template(file.as_posix()).render(Context(values))
    except Exception as error:
        return type(error).__name__


def test_loader_of_the_site_folds() -> None:
    engine = engines["django"].engine

    assert is_text(engine.get_template("scenes/_plain.html"))
    assert is_text(engine.get_template("journal/_cover.html"))
    assert not is_text(engine.get_template("parts/_foot.html"))
