"""Which other engines the tests drive, and what happens without one of them."""

from pathlib import Path

import pytest

from local import firefox_and_webkit
from local.folder import UserError


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without these engines, which cannot install them."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(firefox_and_webkit, "LIBRARIES", tmp_path)
    for name in ("FIREFOX", "CI"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def add(path: Path, ends_with: int = 0) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nexit {ends_with}\n")
    path.chmod(0o755)
    return str(path)


def add_webkit(machine: Path) -> dict[str, str]:
    add(machine / "Xvfb")
    browser = machine / "lib" / "x86_64-linux-gnu" / "webkit2gtk-4.1" / "MiniBrowser"
    return {"WEBKIT_DRIVER": add(machine / "WebKitWebDriver"), "MINI_BROWSER": add(browser)}


def test_both_engines_are_found(machine: Path) -> None:
    webkit = add_webkit(machine)
    firefox = add(machine / "firefox-esr")

    found = firefox_and_webkit.environment()

    assert found == webkit | {"FIREFOX": firefox, "PAPER_BOAT_MISSING_ENGINES": ""}
    assert firefox_and_webkit.not_run(found) == ""


def test_firefox_that_does_not_start_is_missing(machine: Path) -> None:
    webkit = add_webkit(machine)
    add(machine / "firefox-esr", ends_with=1)

    assert firefox_and_webkit.environment() == webkit | {"PAPER_BOAT_MISSING_ENGINES": "Firefox"}


@pytest.mark.parametrize("part", ["Xvfb", "WebKitWebDriver", "lib/*/*/MiniBrowser"])
def test_webkit_is_missing_without_one_of_its_parts(machine: Path, part: str) -> None:
    add_webkit(machine)
    firefox = add(machine / "firefox-esr")
    [found] = machine.glob(part)
    found.unlink()

    assert firefox_and_webkit.environment() == {
        "FIREFOX": firefox,
        "PAPER_BOAT_MISSING_ENGINES": "WebKitGTK",
    }


@pytest.mark.usefixtures("machine")
def test_what_is_missing_is_said_with_its_packages() -> None:
    found = firefox_and_webkit.environment()

    assert found == {"PAPER_BOAT_MISSING_ENGINES": "Firefox WebKitGTK"}
    assert firefox_and_webkit.not_run(found) == (
        "NOT RUN: the tests in Firefox and WebKitGTK, because they are not here. Install them "
        "(Debian: apt install firefox-esr webkit2gtk-driver xvfb)."
    )


def test_without_one_of_them_ci_fails(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(machine / "firefox-esr")
    monkeypatch.setenv("CI", "1")

    with pytest.raises(UserError, match=r"^NOT RUN: the tests in WebKitGTK, .* xvfb\)\.$"):
        firefox_and_webkit.environment()
