"""The files, modules and links that the documentation names exist."""

import re
import tomllib
from pathlib import Path
from pkgutil import resolve_name

import pytest
from django.apps import apps

from local.folder import ROOT
from vault.models import Sealed

PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
ROOMS = [*PYPROJECT["tool"]["importlinter"]["root_packages"], "tests"]
PATH = re.compile(r"`([\w./-]+\.(?:py|js|html|toml|yml))(?:::\w+)?`")
MODULE = re.compile(rf"`((?:{'|'.join(ROOMS)})(?:\.\w+)+)(?:\([^`]*\))?`")
LINK = re.compile(r"\]\((?!https?:|/|#)([^)#]+)")


def prose(page: Path) -> str:
    """Return the text of a page without its code blocks."""
    return re.sub(r"^ *```.*?^ *```$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)


def find_in_pages(pattern: re.Pattern[str]) -> dict[str, set[str]]:
    """Return what the pattern finds on each page, without pages on which it finds nothing."""
    each = {str(page.relative_to(ROOT)): set(pattern.findall(prose(page))) for page in PAGES}
    return {page: names for page, names in each.items() if names}


def is_file(path: str) -> bool:
    """Whether a path exists. Docs name a template as Django does, and a file that many rooms have
    (`actions.py`) or a folder holds (`body.html`) by its name alone."""
    if (ROOT / path).is_file() or (ROOT / "templates" / path).is_file():
        return True
    return "/" not in path and any(
        next((ROOT / folder).rglob(path), None) for folder in [*ROOMS, "templates", "static"]
    )


def is_named_in_python(name: str) -> bool:
    """Whether a dotted name is a module or an attribute. `mail.Message` is short for a model."""
    room, _, rest = name.partition(".")
    for candidate in (name, f"{room}.models.{rest}"):
        try:
            resolve_name(candidate)
        except (ImportError, AttributeError):
            continue
        return True
    return False


def test_paths_exist() -> None:
    named = find_in_pages(PATH)

    missing = {(page, path) for page, paths in named.items() for path in paths if not is_file(path)}
    assert len(named) > 10
    assert missing == set()


def test_modules_exist() -> None:
    named = find_in_pages(MODULE)
    # A purpose looks like a module: `journal.letter`.
    purposes = {model.purpose for model in apps.get_models() if issubclass(model, Sealed)}

    missing = {
        (page, name)
        for page, names in named.items()
        for name in names - purposes
        if not is_named_in_python(name)
    }
    assert len(named) > 3
    assert missing == set()


@pytest.mark.parametrize("path", ["mail/nothing.py", "nothing.py", "journal/_nothing.html"])
def test_path_that_does_not_exist_is_noticed(path: str) -> None:
    assert not is_file(path)


@pytest.mark.parametrize("name", ["mail.nothing", "mail.Nothing", "vault.models.Nothing"])
def test_module_that_does_not_exist_is_noticed(name: str) -> None:
    assert not is_named_in_python(name)


def test_links_lead_to_files() -> None:
    named = find_in_pages(LINK)

    missing = {
        (page, link)
        for page, links in named.items()
        for link in links
        if not (ROOT / page).parent.joinpath(link).exists()
    }
    assert len(named) > 5
    assert missing == set()
