"""makemessages and compilemessages work on our own words, and --check tells what is not current."""

import shutil
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings as loaded
from django.core.management import CommandError, call_command
from pytest_django import Settings

from operations.management.commands.makemessages import FOLDERS
from tests.support.template_files import ROOT

pytestmark = pytest.mark.skipif(
    shutil.which("msgcmp") is None, reason="NOT RUN: there are no gettext tools here"
)


@pytest.fixture
def project(tmp_path: Path, settings: Settings) -> Path:
    """A folder laid out as this project, with one page, one test and one installed package."""
    settings.BASE_DIR, settings.LOCALE_PATHS = tmp_path, [tmp_path / "locale"]
    (tmp_path / "locale" / "en").mkdir(parents=True)
    for file, words in [
        ("templates/page.html", "{% load i18n %}{% translate 'Of a page' %}"),
        ("home/views.py", "_('Of a view')"),
        ("tests/test_page.py", "_('Of a test')"),
        (".venv/package/views.py", "_('Of a package')"),
        (".venv/package/locale/en/LC_MESSAGES/django.po", ""),
    ]:
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(words)
    call_command("makemessages", verbosity=0)
    return tmp_path


def catalogue(project: Path, language: str) -> Path:
    return project / "locale" / language / "LC_MESSAGES" / "django.po"


def check() -> None:
    call_command("makemessages", "--check", verbosity=0)


def test_our_own_words_are_collected_and_nobody_elses(project: Path) -> None:
    words = catalogue(project, "en").read_text()

    assert [each in words for each in ("Of a page", "Of a view")] == [True, True]
    assert [each in words for each in ("Of a test", "Of a package")] == [False, False]
    check()


def test_every_room_is_read() -> None:
    rooms = {
        Path(app.path).relative_to(ROOT).parts[0]
        for app in apps.get_app_configs()
        if Path(app.path).parent == ROOT
    }

    assert rooms <= set(FOLDERS)
    assert [each for each in FOLDERS if not (ROOT / each).is_dir()] == []
    assert [ROOT / "locale"] == loaded.LOCALE_PATHS


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("{% translate 'New' %}", "New: this message is used"),
        (f"{{% translate '{'Long ' * 30}' %}}", f"{'Long ' * 30}: this message is used"),
        ("", "Of a page: this message is not used"),
    ],
)
def test_catalogue_that_is_not_current_is_named_with_what_to_run(
    project: Path, words: str, message: str
) -> None:
    page = project / "templates/page.html"
    old = "{% translate 'Of a page' %}"
    page.write_text("{% load i18n %}" + (old + words if words else ""))
    before = catalogue(project, "en").read_text()

    with pytest.raises(CommandError) as caught:
        check()

    told = str(caught.value)
    assert told.startswith(
        "locale/en/LC_MESSAGES/django.po is not current: run ./dev manage makemessages, and commit"
        " what it changes.\n"
    )
    assert message in told
    assert catalogue(project, "en").read_text() == before
    assert not (project / "locale/django.pot").exists()

    call_command("makemessages", verbosity=0)
    check()


def test_translation_is_compiled_and_checked(project: Path) -> None:
    translation = catalogue(project, "eo")
    translation.parent.mkdir(parents=True)
    call_command("makemessages", verbosity=0)
    words = translation.read_text().replace('"Of a page"\nmsgstr ""', '"Of a page"\nmsgstr "Paĝa"')
    translation.write_text(words)

    with pytest.raises(CommandError, match=r"is not compiled: run \./dev manage compilemessages"):
        check()

    call_command("compilemessages", verbosity=0)
    check()
    assert translation.with_suffix(".mo").exists()
    assert not (project / ".venv/package/locale/en/LC_MESSAGES/django.mo").exists()
