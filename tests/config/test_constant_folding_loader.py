"""Folded templates read the same as plain ones, and nothing that could change is folded."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpRequest
from django.template import Context, Engine, RequestContext, Template, TemplateDoesNotExist, engines
from django.template.base import TextNode
from django.template.defaulttags import URLNode
from django.templatetags.i18n import TranslateNode
from django.test import RequestFactory, override_settings
from django.urls import NoReverseMatch, clear_url_caches, include, path, re_path
from django.utils import translation

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
    "include of a constant with a value": "{% include 'constant.html' with name=name %}",
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
}
OTHERS = {
    "constant.html": LOAD + "<i>{% translate 'March' %}</i>{% url 'home:today' %}\n",
    "nested.html": LOAD + "{% include 'constant.html' %}{% static 'img/icon.svg' %}",
    # What would be included if the name were taken as it stands.
    "./constant.html": "wrong",
    "nstant.html": "by a filter",
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
            "template": "variable.html", "base": "base.html", "slots": {}, "csrf_token": "a token",
        } | values  # fmt: skip
        plain = self.plain.get_template("page.html").render(Context(context.copy()))
        first, second = (self.template.render(Context(context.copy())) for _ in range(2))
        assert first == plain
        assert second == plain
        return plain


def source_of(tags: str) -> str:
    # An {% extends %} comes before any other tag.
    return tags if tags.startswith("{% extends") else LOAD + tags


def is_text(template: Template) -> bool:
    """Whether nothing is left of it but text, in the active language."""
    (node,) = template.nodelist
    nodes = node.in_language(template.engine) if isinstance(node, FoldedNode) else [node]
    return [type(node) for node in nodes] == [TextNode]


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
    (folded,) = page.template.nodelist

    nodes = folded.in_language(page.folded)

    assert [type(node).__name__ for node in nodes] == ["TextNode", "VariableNode", "TextNode"]


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
    nodelist = Twice(source_of(tags)).template.nodelist

    folded = nodelist.get_nodes_by_type(FoldedNode)[-1]

    assert {type(node) for node in folded.nodes} <= {TranslateNode, URLNode}


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
        "".join(
            node.s
            for node in page.template.nodelist[0].in_language(page.folded)
            if type(node) is TextNode
        )
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


FILES = sorted(
    file.relative_to(TEMPLATES).as_posix() for file in TEMPLATES.rglob("*") if file.is_file()
)
NAMES = [
    "again", "answer", "answers", "care", "contents", "country", "exercise", "field", "form",
    "found", "id_form", "kind", "letter", "letters", "line", "mark", "messages", "next_step",
    "note", "now", "page", "reading", "row", "rows", "schedule", "sources", "step",
    "step_statuses", "user", "words",
]  # fmt: skip
VALUES: list[dict[str, Any]] = [{}, dict.fromkeys(NAMES, Anything()), {"step": 3, "number": 1}]


def engine_of_ours(loader: str) -> Engine:
    backend = engines["django"].engine
    (_ours, loaders), *_ = backend.loaders
    return Engine(dirs=backend.dirs, loaders=[(loader, loaders)], libraries=backend.libraries)


@pytest.mark.parametrize("file", FILES)
def test_template_of_ours_reads_the_same(file: str) -> None:
    plain, folded = map(engine_of_ours, LOADERS)

    for language, values in itertools.product(LANGUAGES * 2, VALUES):
        with translation.override(language):
            assert outcome(folded, file, values) == outcome(plain, file, values)


def outcome(engine: Engine, file: str, values: dict[str, Any]) -> str:
    """The page, or the name of the error where it cannot do without what is not given."""
    try:
        return engine.get_template(file).render(Context(values))
    except Exception as error:
        return type(error).__name__


def test_loader_of_the_site_folds() -> None:
    engine = engines["django"].engine

    assert is_text(engine.get_template("scenes/_plain.html"))
    assert is_text(engine.get_template("journal/_cover.html"))
    assert not is_text(engine.get_template("parts/_foot.html"))
