"""Parts of a page that are the same for everybody."""

import pytest
from django.template import Context, Template, TemplateSyntaxError
from django.utils import translation


def page(words: str) -> Template:
    return Template("{% load fixed i18n %}" + words)


def test_fixed_part_knows_nothing_of_whoever_looks() -> None:
    """Nothing of anybody's can be kept by it, because it never sees anything of anybody's."""
    part = page("{% fixed %}{{ name }}{{ user }}{{ request }}{{ csrf_token }}.{% endfixed %}")
    theirs = {"name": "Noor", "user": "noor", "request": "r", "csrf_token": "t"}

    assert part.render(Context(theirs)) == "."


def test_fixed_part_is_made_once_for_each_value() -> None:
    made: list[int] = []

    class Counted:
        def __init__(self, number: int) -> None:
            self.number = number

        def __str__(self) -> str:
            made.append(self.number)
            return str(self.number)

    part = page("{% fixed step=step %}step {{ step }}{% endfixed %}")
    one, two = Counted(1), Counted(2)

    told = [part.render(Context({"step": step})) for step in (one, two, one, two)]

    assert told == ["step 1", "step 2"] * 2
    assert made == [1, 2]


def test_fixed_part_is_made_for_each_language() -> None:
    part = page("{% fixed %}{% get_current_language as code %}{{ code }}{% endfixed %}")

    with translation.override("de"):
        assert part.render(Context()) == "de"
    with translation.override("en"):
        assert part.render(Context()) == "en"


def test_fixed_part_escapes_as_ever() -> None:
    part = page("{% fixed title=title %}{{ title }}{% endfixed %}")

    assert part.render(Context({"title": "<b>"})) == "&lt;b&gt;"


def test_block_in_a_fixed_part_is_the_pages_own() -> None:
    part = page("{% fixed %}<p>{% block name %}{{ name }}{% endblock %}</p>{% endfixed %}")

    assert part.render(Context({"name": "Noor"})) == "<p>Noor</p>"
    assert part.render(Context({"name": "Bo"})) == "<p>Bo</p>"


def test_block_hidden_in_another_tag_is_refused() -> None:
    """It would be kept with the part, and shown to the next one."""
    with pytest.raises(TemplateSyntaxError, match="a block stands by itself"):
        page("{% fixed %}{% if 1 %}{% block name %}{% endblock %}{% endif %}{% endfixed %}")


def test_value_without_a_name_is_refused() -> None:
    with pytest.raises(TemplateSyntaxError, match="by name"):
        page("{% fixed step %}{% endfixed %}")
