import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import brotli
import pytest
from django import forms
from django.contrib.auth.models import AnonymousUser
from django.template.loader import render_to_string

from healing.guide_lint import FORBIDDEN
from journal.letter_kinds import KINDS
from tests.support.template_files import ROOT, TEMPLATES

PAGES = sorted(path for path in TEMPLATES.glob("**/*.html") if "mail" not in path.parts)
ERRORS = ["400.html", "403.html", "403_csrf.html", "404.html", "405.html", "500.html", "503.html"]
INLINE = re.compile(r"\sstyle=|<style\b|\son\w+=|javascript:|<script(?![^>]*\ssrc=)", re.IGNORECASE)

TRANSLATED = re.compile(r"(?s){% translate .*?%}|{% blocktranslate.*?{% endblocktranslate")


class Links(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.hrefs: list[str | None] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.hrefs.append(dict(attrs)["href"])


class WalkForm(forms.Form):
    place = forms.CharField(help_text="A street is enough.")
    mood = forms.ChoiceField(widget=forms.RadioSelect, choices=[("calm", "Calm")])
    note = forms.CharField(required=False)
    agreed = forms.BooleanField()


def found_on_pages(find):
    """What is found on each page on which anything is."""
    return {page: found for page in PAGES if (found := find(page.read_text()))}


def test_no_page_has_anything_inline():
    assert found_on_pages(INLINE.findall) == {}


def test_no_page_has_a_word_that_puts_pressure():
    def pressing(text):
        return [words for words in TRANSLATED.findall(text) if FORBIDDEN.search(words)]

    assert found_on_pages(pressing) == {}


def test_every_partial_and_icon_is_used():
    files = [*TEMPLATES.rglob("*.html"), *ROOT.glob("[!.]*/*.py")]
    source = "".join(file.read_text() for file in files)
    parts = [*TEMPLATES.rglob("_*.html"), *TEMPLATES.glob("icons/*.svg")]
    names = {path.relative_to(TEMPLATES).as_posix() for path in parts}
    # A page shows the icon of a letter's kind by its key; the three evenings are chosen together,
    # by one icon that the page names.
    by_kind = {f"icons/kind-{kind.key}.svg" for kind in KINDS.values() if not kind.is_evening}

    assert {name for name in names if f'"{name}"' not in source} <= by_kind


@pytest.mark.parametrize("template", ["base.html", *ERRORS])
def test_page_renders_without_a_request(template):
    """Help pages are rendered to disk, and some errors happen before there is a request."""
    html = render_to_string(template)

    assert 'href="/today/"' in html
    assert 'href="/help/"' in html
    assert "<main" in html


@pytest.mark.parametrize("template", ERRORS)
def test_error_page_says_that_letters_are_safe(template):
    assert "Your letters are safe." in render_to_string(template).replace("your", "Your")


def test_skip_link_is_first_and_leave_link_second():
    assert Links(render_to_string("base.html")).hrefs[:2] == ["#main", "/leave/"]


def test_visitor_is_offered_the_sign_in():
    html = render_to_string("base.html", {"user": AnonymousUser()})

    assert 'href="/accounts/login/"' in html
    assert 'href="/journal/"' not in html


def test_title_has_only_the_discreet_name():
    html = render_to_string("404.html", {"site_name": "Paper Boat", "discreet_name": "Notes"})

    assert re.findall("<title>(.*)</title>", html) == ["Not found – Notes"]


def test_title_begins_with_an_error():
    html = render_to_string("base.html", {"form": WalkForm({})})

    assert "<title>Error: " in html


@pytest.mark.parametrize("step", range(1, 9))
def test_step_scene_lights_the_stone_of_the_step(step):
    scene = ElementTree.fromstring(render_to_string("scenes/_step.html", {"step": step}))  # noqa: S314 -- our own file

    stones = [g[1].get("fill") for g in scene if g.tag.endswith("g") and len(g) == 2]
    assert [at for at, fill in enumerate(stones, start=1) if fill == "var(--lamp)"] == [step]
    assert len(stones) == 8


@pytest.mark.parametrize(
    "scene", sorted(TEMPLATES.glob("scenes/*.html")), ids=lambda path: path.name
)
def test_page_with_a_scene_is_light(scene):
    html = render_to_string("base.html") + render_to_string(f"scenes/{scene.name}", {"step": 3})

    assert len(brotli.compress(html.encode())) <= 4_000


def test_field_has_hint_and_error_before_its_input():
    html = WalkForm({})["place"].as_field_group()

    order = [
        html.index(part) for part in ("<label", "id_place_helptext", "id_place_error", "<input")
    ]
    assert order == sorted(order)
    assert 'aria-describedby="id_place_helptext id_place_error"' in html
    assert 'aria-invalid="true"' in html
    assert '<span class="vh">Error: </span>' in html


def test_choices_are_a_fieldset_with_a_legend():
    html = WalkForm({})["mood"].as_field_group()

    assert '<fieldset class="choices" aria-describedby="id_mood_error"' in html
    assert re.search(r'<legend class="legend">Mood\s*</legend>', html)


def test_optional_field_is_marked():
    assert "(optional)" in WalkForm()["note"].as_field_group()
    assert "(optional)" not in WalkForm()["place"].as_field_group()


def test_error_summary_links_to_each_field():
    html = render_to_string("parts/_errors.html", {"form": WalkForm({})})

    assert Links(html).hrefs == ["#id_place", "#id_mood_0", "#id_agreed"]
    assert 'role="alert"' in html
    assert 'tabindex="-1"' in html


def test_error_summary_is_absent_without_errors():
    assert render_to_string("parts/_errors.html", {"form": WalkForm()}).strip() == ""
    assert render_to_string("parts/_errors.html").strip() == ""


def test_mail_has_no_colour_and_no_image():
    """The mail program chooses light or dark."""
    html = (TEMPLATES / "mail" / "base.html").read_text()

    assert re.findall(r"<img|url\(|#[0-9a-f]{3,6}\b|(?<!-)\bcolor:", html) == []
