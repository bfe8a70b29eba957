"""A language is added as docs/translating.md says: by files alone, here in a temporary folder."""

import shutil
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django import Settings

from config.environment import parse_languages
from healing.guide_loader import hash_of
from operations.management.commands.makemessages import FOLDERS
from tests.support.client import Client
from tests.support.template_files import ROOT


@pytest.fixture
def project(tmp_path: Path, settings: Settings) -> Path:
    """This project in a folder of its own, without any translation."""
    for folder in FOLDERS:
        (tmp_path / folder).symlink_to(ROOT / folder)
    shutil.copytree(ROOT / "locale/en", tmp_path / "locale/en")
    shutil.copytree(ROOT / "healing/guide/en", tmp_path / "guide/en")
    settings.BASE_DIR, settings.GUIDE_FOLDER = tmp_path, tmp_path / "guide"
    settings.LOCALE_PATHS = [tmp_path / "locale"]
    return tmp_path


def translate(path: Path, words: dict[str, str]) -> None:
    text = path.read_text("utf-8")
    for old, new in words.items():
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text, "utf-8")


@pytest.mark.skipif(shutil.which("msgfmt") is None, reason="NOT RUN: no gettext tools here")
def test_language_is_added_by_files_alone(project: Path, settings: Settings, db: None) -> None:
    (project / "locale/eo").mkdir()
    call_command("makemessages", verbosity=0)
    catalogue = project / "locale/eo/LC_MESSAGES/django.po"
    translate(
        catalogue,
        {
            'msgid "Leave now"\nmsgstr ""': 'msgid "Leave now"\nmsgstr "Foriri nun"',
            'msgid "All steps"\nmsgstr ""': 'msgid "All steps"\nmsgstr "Ĉiuj paŝoj"',
        },
    )
    call_command("compilemessages", verbosity=0)
    call_command("makemessages", "--check", verbosity=0)

    original = project / "guide/en/steps/1-acknowledge.md"
    step = project / "guide/eo/steps/1-acknowledge.md"
    step.parent.mkdir(parents=True)
    shutil.copy(original, step)
    title = "title: See what is happening"
    translate(step, {title: f"translates: {hash_of(original)}\ntitle: Vidu kio okazas"})
    call_command("check_guide")

    settings.LANGUAGES = parse_languages("en,eo", original="en")
    client = Client(headers={"accept-language": "eo"})
    translated, other = (client.get(f"/steps/{number}/").content.decode() for number in (1, 2))

    assert '<html lang="eo">' in translated
    assert "Foriri nun" in translated
    assert "Ĉiuj paŝoj" in translated
    assert "<h1>Vidu kio okazas</h1>" in translated
    assert '<html lang="eo">' in other
    assert '<h1 dir="ltr" lang="en">' in other
