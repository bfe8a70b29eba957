import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.template_files import ROOT, STATIC

FOLDERS = [STATIC / "vendor", ROOT / "tests" / "vendor"]


def packages(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / "vendor.json").read_text())["packages"]
    return found


@pytest.mark.parametrize("folder", FOLDERS, ids=["static", "tests"])
def test_vendored_files_are_recorded_and_unchanged(folder: Path) -> None:
    on_disk = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.glob("*/**/*")
        if path.is_file()
    }
    recorded = {name: sha for package in packages(folder) for name, sha in package["files"].items()}

    assert recorded == on_disk


@pytest.mark.parametrize("folder", FOLDERS, ids=["static", "tests"])
def test_vendored_packages_have_their_licence(folder: Path) -> None:
    for package in packages(folder):
        assert (folder / package["folder"] / "LICENSE").is_file()
        assert (ROOT / "LICENSES" / f"{package['licence']}.txt").is_file()
