"""Find Firefox and WebKitGTK for the tests in other engines; as root with apt, install them."""

import os
import shutil
from pathlib import Path

from local.folder import UserError
from local.installed_programs import find_working, install

# Tells the tests which of them to skip.
MISSING = "PAPER_BOAT_MISSING_ENGINES"
FIREFOX, WEBKIT = "Firefox", "WebKitGTK"
PACKAGES = {FIREFOX: ["firefox-esr"], WEBKIT: ["webkit2gtk-driver", "xvfb"]}
# The browser that WebKitWebDriver drives: it comes with the library, outside PATH.
LIBRARIES = Path("/usr")
MINI_BROWSERS = ("lib/*/webkit2gtk-4*/MiniBrowser", "libexec/webkit2gtk-4*/MiniBrowser")


def environment() -> dict[str, str]:
    """Return what the tests must know: where the engines are, and which are missing.

    Raises UserError if CI is set and one is missing.
    """
    found = _find()
    if missing := _missing(found):
        install(" and ".join(missing), *_packages(missing))
        found = _find()
    if _missing(found) and os.environ.get("CI"):
        raise UserError(not_run(found))
    return found


def not_run(found: dict[str, str]) -> str:
    """Return which tests do not run in this environment and why, or ""."""
    missing = _missing(found)
    if not missing:
        return ""
    return (
        f"NOT RUN: the tests in {' and '.join(missing)}, because they are not here. "
        f"Install them (Debian: apt install {' '.join(_packages(missing))})."
    )


def _missing(found: dict[str, str]) -> list[str]:
    return found[MISSING].split()


def _packages(engines: list[str]) -> list[str]:
    return [package for engine in engines for package in PACKAGES[engine]]


def _find() -> dict[str, str]:
    programs = {FIREFOX: _firefox(), WEBKIT: _webkit()}
    missing = " ".join(engine for engine, found in programs.items() if not found)
    return programs[FIREFOX] | programs[WEBKIT] | {MISSING: missing}


def _firefox() -> dict[str, str]:
    program = os.environ.get("FIREFOX") or find_working("firefox-esr")
    return {"FIREFOX": program} if program else {}


def _webkit() -> dict[str, str]:
    driver, display = shutil.which("WebKitWebDriver"), shutil.which("Xvfb")
    browsers = sorted(each for pattern in MINI_BROWSERS for each in LIBRARIES.glob(pattern))
    if not (driver and display and browsers):
        return {}
    return {"WEBKIT_DRIVER": driver, "MINI_BROWSER": str(browsers[-1])}
