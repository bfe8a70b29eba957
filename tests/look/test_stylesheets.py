import re

import brotli
import pytest

from tests.support.template_files import STATIC, STYLESHEETS, TEMPLATES, TOKENS

COLOUR = re.compile(
    r"#[0-9a-f]{3,8}\b|\b(?:rgb|hsl|hwb|lab|lch|oklab|oklch|color|color-mix)a?\("
    r"|:[^;{]*\b(?:white|black|red|green|blue|gr[ae]y|silver|teal|navy|orange|yellow|pink|purple)\b",
    re.IGNORECASE,
)
PHYSICAL = re.compile(
    r"(?<!-)\b(?:margin|padding|border|inset)-(?:left|right|top|bottom)\b"
    r"|^\s*(?:left|right|top|bottom|(?:min-|max-)?(?:width|height)):"
    r"|text-align:\s*(?:left|right)",
    re.MULTILINE,
)
SHARED = [TOKENS, STATIC / "css" / "app.css"]
# Each is loaded by a page of its own.
OWN = [sheet for sheet in STYLESHEETS if sheet not in SHARED]
DRAWINGS = sorted([*TEMPLATES.glob("icons/*.svg"), *TEMPLATES.glob("scenes/*.html")])


def file_name(path):
    return path.name


def without_comments(css: str) -> str:
    return re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)


def test_every_page_loads_two_stylesheets():
    """Each one costs the first visit a request, of which it may make five."""
    linked = re.findall(r"static 'css/(.*?)'", (TEMPLATES / "base.html").read_text())

    assert linked == [sheet.name for sheet in SHARED]


@pytest.mark.parametrize(
    "sheet",
    [sheet for sheet in STYLESHEETS if sheet != TOKENS] + DRAWINGS,
    ids=file_name,
)
def test_colours_are_only_in_tokens(sheet):
    assert COLOUR.findall(without_comments(sheet.read_text())) == []


@pytest.mark.parametrize("sheet", STYLESHEETS, ids=file_name)
def test_properties_follow_the_direction_of_writing(sheet):
    assert PHYSICAL.findall(without_comments(sheet.read_text())) == []


@pytest.mark.parametrize("file", STYLESHEETS + DRAWINGS, ids=file_name)
def test_every_token_used_is_defined(file):
    defined = set(re.findall(r"(--[\w-]+):", "".join(sheet.read_text() for sheet in STYLESHEETS)))

    assert set(re.findall(r"var\((--[\w-]+)\)", file.read_text())) <= defined


@pytest.mark.parametrize("sheet", STYLESHEETS, ids=file_name)
def test_every_url_is_a_file_that_exists(sheet):
    """The content security policy refuses data: URLs."""
    addresses = re.findall(r'url\("?([^")]+)"?\)', sheet.read_text())

    assert [url for url in addresses if not (sheet.parent / url).resolve().is_file()] == []


def test_shared_stylesheets_weigh_eight_kilobytes_at_most():
    assert sum(len(brotli.compress(sheet.read_bytes())) for sheet in SHARED) <= 8_000


@pytest.mark.parametrize("sheet", OWN, ids=file_name)
def test_stylesheet_of_one_page_is_light(sheet):
    assert len(brotli.compress(sheet.read_bytes())) <= 1_200


def test_scripts_import_nothing_and_write_no_html():
    """An import would be one more request before anything happens."""
    for script in (STATIC / "js").glob("*.js"):
        source = script.read_text()
        assert not re.search(r"^\s*(?:import|export)\b", source, re.MULTILINE), script.name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|\beval\b", source), (
            script.name
        )
