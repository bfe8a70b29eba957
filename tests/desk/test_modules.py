"""The desk's modules as they are written, and as they are collected and served."""

import gzip
import json
import re
from pathlib import Path

import brotli
import pytest
from django.conf import settings
from django.template.loader import render_to_string
from django.test import Client
from playwright.sync_api import Browser, Route

from config.static_storage import StaticStorage
from tests.desk.conftest import MODULES, ORIGIN, WITH_ANSWER, WITH_PAPER

NAMES = sorted(module.name for module in MODULES.glob("*.js"))
IMPORT = re.compile(r'^import \{ [\w, ]+ \} from "\./(\w+\.js)";$', re.MULTILINE)
# As Django finds what it rewrites, only less particular.
LIKE_AN_IMPORT = re.compile(r"\b(?:im|ex)port\b(?!s|ed)", re.IGNORECASE)
# The modules that pages start, and the template that each of them is loaded by.
ENTRIES = {
    "main.js": "journal/_desk_script.html",
    "exercise.js": "healing/_exercise_script.html",
}
EXPORT = re.compile(r"^export (?:async )?(?:const|function) \w+", re.MULTILINE)


def source(name: str) -> str:
    return (MODULES / name).read_text()


def imports(name: str) -> list[str]:
    return IMPORT.findall(source(name))


def hashed(name: str) -> str:
    """Where the collected module is served."""
    manifest = json.loads((Path(settings.STATIC_ROOT) / "staticfiles.json").read_text())
    return f"/static/{manifest['paths'][f'js/desk/{name}']}"


@pytest.mark.parametrize("name", NAMES)
def test_every_import_is_one_that_django_rewrites(name: str) -> None:
    text = source(name)

    assert set(imports(name)) < set(NAMES)
    assert len(LIKE_AN_IMPORT.findall(text)) == len(imports(name)) + len(EXPORT.findall(text))


def test_imports_go_one_way() -> None:
    left = {name: set(imports(name)) for name in NAMES}
    # Django rewrites one level in each of its passes.
    for _ in range(StaticStorage.max_post_process_passes):
        done = {name for name, needed in left.items() if not needed & set(left)}
        left = {name: needed for name, needed in left.items() if name not in done}

    assert left == {}


@pytest.mark.parametrize("name", NAMES)
def test_module_keeps_no_state_and_writes_no_html(name: str) -> None:
    assert not re.search(r"^(?:let|var)\b", source(name), re.MULTILINE)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|\beval\b", source(name))


def needed_by(entry: str) -> set[str]:
    needed, left = set[str](), [entry]
    while left:
        new = set(imports(left.pop())) - needed
        needed |= new
        left += new
    return needed


@pytest.mark.parametrize("entry", ENTRIES)
def test_page_fetches_all_modules_at_once(entry: str) -> None:
    html = render_to_string(ENTRIES[entry])

    preloaded = re.findall(r'<link rel="modulepreload" href="([^"]+)">', html)
    assert preloaded == [hashed(name) for name in sorted(needed_by(entry))]
    assert f'<script type="module" src="{hashed(entry)}"></script>' in html


def test_every_module_is_needed() -> None:
    assert set(NAMES) == set(ENTRIES).union(*map(needed_by, ENTRIES))


@pytest.mark.parametrize("name", NAMES)
def test_collected_module_is_served_with_hashed_imports(client: Client, name: str) -> None:
    response = client.get(hashed(name))

    assert response.status_code == 200
    assert response.headers["Content-Type"] == 'text/javascript; charset="utf-8"'
    assert "immutable" in response.headers["Cache-Control"]
    text = response.getvalue().decode()
    found = re.findall(r'from "\./(.+)";', text)
    assert found == [Path(hashed(each)).name for each in imports(name)]
    # Nothing else was rewritten.
    assert re.sub(r'(from "\./\w+)\.\w{12}(\.js";)', r"\1\2", text) == source(name)


@pytest.mark.parametrize("name", NAMES)
def test_compressed_module_is_the_same_module(client: Client, name: str) -> None:
    plain = client.get(hashed(name)).getvalue()

    for encoding, decompress in (("br", brotli.decompress), ("gzip", gzip.decompress)):
        response = client.get(hashed(name), headers={"Accept-Encoding": encoding})
        assert response.headers["Content-Encoding"] == encoding
        assert decompress(response.getvalue()) == plain


def test_folder_holds_each_module_once() -> None:
    """Collecting writes a module once for each pass until the names inside it are right."""
    folder = Path(settings.STATIC_ROOT) / "js" / "desk"

    assert sorted(path.name for path in folder.glob("*.js")) == sorted(
        Path(hashed(name)).name for name in NAMES
    )


@pytest.mark.browser
def test_browser_loads_every_collected_module(browser: Browser, client: Client) -> None:
    asked: list[str] = []

    def serve(route: Route) -> None:
        path = route.request.url.removeprefix(ORIGIN)
        if path == "/":
            route.fulfill(body=WITH_PAPER + WITH_ANSWER, content_type="text/html; charset=utf-8")
            return
        asked.append(path)
        response = client.get(path)
        headers = {"Content-Type": response.headers["Content-Type"]}
        route.fulfill(status=response.status_code, body=response.getvalue(), headers=headers)

    with browser.new_context() as context:
        context.route("**/*", serve)
        page = context.new_page()
        page.goto(f"{ORIGIN}/")
        for name in NAMES:
            page.evaluate("async (address) => { await import(address); }", hashed(name))

    assert sorted(path for path in asked if path.startswith("/static/")) == sorted(
        hashed(name) for name in NAMES
    )
