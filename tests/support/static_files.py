"""Fixtures: static files as production serves them, collected and hashed."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from whitenoise import WhiteNoise

from local.pytest_runs import TEMPLATE_DATABASE
from safety import collected_files_mark, help_pages


@pytest.fixture(scope="session", autouse=True)
def collected(tmp_path_factory: pytest.TempPathFactory) -> None:
    """STATIC_ROOT and PAGES_ROOT are filled: by `./dev test` for the whole run, or else here."""
    if not os.environ.get(TEMPLATE_DATABASE):
        folder = tmp_path_factory.mktemp("static")
        settings.STATIC_ROOT, settings.PAGES_ROOT = folder / "files", folder / "pages"
        call_command("collectstatic", interactive=False, verbosity=0)
    # As where a process starts: later, a test may have other folders for a while.
    collected_files_mark.mark_at_start()


@pytest.fixture(scope="session", autouse=True)
def scanned_once(collected: None) -> Iterator[None]:
    """Scan the collected files once: every client has a WhiteNoise of its own, which would look at
    each of them before it answers, and they stay the same for the whole run."""
    scanned: dict[str, dict[str, Any]] = {}
    collected_to, scan = Path(settings.STATIC_ROOT), WhiteNoise.update_files_dictionary

    def scan_once(self: WhiteNoise, root: str, prefix: str) -> None:
        if Path(root) != collected_to:
            return scan(self, root, prefix)
        if prefix not in scanned:
            others, self.files = self.files, {}
            scan(self, root, prefix)
            scanned[prefix], self.files = self.files, others
        self.files |= scanned[prefix]
        return None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoise, "update_files_dictionary", scan_once)
        yield


@pytest.fixture(scope="session", autouse=True)
def read_once(collected: None) -> Iterator[None]:
    """Read the rendered help pages once: every client has a middleware of its own, which would read
    more than a hundred files."""
    pages: dict[tuple[str, bool], dict[str, bytes]] = {}
    rendered_to, read_all = Path(settings.PAGES_ROOT), help_pages.read_all

    def read(*, language: str, signed_in: bool = False) -> dict[str, bytes]:
        if Path(settings.PAGES_ROOT) != rendered_to:
            return read_all(language=language, signed_in=signed_in)
        form = (language, signed_in)
        if form not in pages:
            pages[form] = read_all(language=language, signed_in=signed_in)
        return dict(pages[form])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(help_pages, "read_all", read)
        yield
