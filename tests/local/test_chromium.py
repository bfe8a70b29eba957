"""Which browser the tests drive, and what happens without one."""

from pathlib import Path

import pytest

from local import chromium
from local.folder import UserError


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without a browser, which cannot install one."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.delenv("CI", raising=False)
    return tmp_path


def add_browser(path: Path, ends_with: int = 0) -> str:
    path.write_text(f"#!/bin/sh\nexit {ends_with}\n")
    path.chmod(0o755)
    return str(path)


def test_a_browser_on_the_path_is_used(machine: Path) -> None:
    add_browser(machine / "chromium", ends_with=1)
    works = add_browser(machine / "google-chrome")

    assert chromium.environment() == {"CHROMIUM": works}


def test_a_named_browser_is_used_first(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_browser(machine / "chromium")
    named = add_browser(machine / "another")
    monkeypatch.setenv("CHROMIUM", named)

    assert chromium.environment() == {"CHROMIUM": named}


def test_a_named_browser_that_does_not_start_is_refused(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHROMIUM", str(machine / "missing"))

    with pytest.raises(UserError, match="which does not start: name another, or none"):
        chromium.environment()


def test_a_headless_shell_beside_it_is_used_too(machine: Path) -> None:
    browser = add_browser(machine / "chromium")
    shell = add_browser(machine / "chromium-headless-shell")

    assert chromium.environment() == {"CHROMIUM": browser, "HEADLESS_SHELL": shell}


@pytest.mark.usefixtures("machine")
def test_without_a_browser_the_tests_are_told_to_skip() -> None:
    assert chromium.environment() == {"PAPER_BOAT_NO_BROWSER": "1"}


@pytest.mark.usefixtures("machine")
def test_without_a_browser_ci_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "1")

    with pytest.raises(UserError, match="NOT RUN: the journeys"):
        chromium.environment()
