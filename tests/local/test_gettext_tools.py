"""Without the gettext tools a check is left out and says so; with CI set it fails."""

from pathlib import Path

import pytest

from local import gettext_tools
from local.folder import UserError


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without the tools, which cannot install them."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CI", raising=False)
    return tmp_path


def test_tools_on_the_path_are_found(machine: Path) -> None:
    assert not gettext_tools.are_here()

    (machine / "msgcmp").write_text("#!/bin/sh\n")
    (machine / "msgcmp").chmod(0o755)
    assert gettext_tools.are_here()


@pytest.mark.usefixtures("machine")
def test_without_them_ci_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "1")

    with pytest.raises(UserError, match="NOT RUN: whether the catalogues"):
        gettext_tools.are_here()
