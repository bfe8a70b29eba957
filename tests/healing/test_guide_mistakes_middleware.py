import shutil
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpResponse
from django.test import RequestFactory
from pytest_django import Settings

from healing.guide_files import signature
from healing.guide_mistakes_middleware import GuideReloadMiddleware


def test_mistakes_take_the_place_of_the_page_until_they_are_mended(
    tmp_path: Path, settings: Settings, rf: RequestFactory
) -> None:
    shutil.copytree(django_settings.GUIDE_FOLDER, tmp_path / "guide")
    settings.GUIDE_FOLDER, settings.GUIDE_RELOAD = tmp_path / "guide", True
    middleware = GuideReloadMiddleware(lambda request: HttpResponse("the page"))
    path = tmp_path / "guide/en/steps/1-acknowledge.md"
    text = path.read_text()

    path.write_text(text.replace("title:", "titel:", 1))
    response = middleware(rf.get("/steps/1/"))

    assert response.status_code == 500
    assert "guide/en/steps/1-acknowledge.md, line 2: “titel” is not" in response.content.decode()

    path.write_text(text)
    assert middleware(rf.get("/steps/1/")).content == b"the page"


def test_file_that_moved_to_another_folder_is_noticed(tmp_path: Path) -> None:
    shutil.copytree(django_settings.GUIDE_FOLDER, tmp_path / "guide")
    before = signature(tmp_path / "guide")
    # In their order the names of all files stay the same.
    path = tmp_path / "guide/en/learn/9-closing-words.md"

    path.rename(tmp_path / "guide/en/pages" / path.name)

    assert signature(tmp_path / "guide") != before


def test_a_server_has_no_such_middleware() -> None:
    with pytest.raises(MiddlewareNotUsed):
        GuideReloadMiddleware(lambda request: HttpResponse())
