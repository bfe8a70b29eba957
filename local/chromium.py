"""Find Chromium for the browser tests and the pictures; as root with apt, install it."""

import os
import shutil

from local.folder import UserError
from local.installed_programs import find_working, install, works

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Without windows: half the processor time for tests that do not need one.
SHELL = "chromium-headless-shell"
# Tells the tests to skip those that drive a browser.
NO_BROWSER = "PAPER_BOAT_NO_BROWSER"
NOT_RUN = (
    "NOT RUN: the journeys, because there is no Chromium here. Install it (Debian: "
    "apt install chromium) or name one in CHROMIUM."
)


def environment() -> dict[str, str]:
    """Return what the tests must know: where Chromium is, or that there is none.

    Raises UserError if CHROMIUM names one that does not start, or CI is set and there is none.
    """
    browser = find() or _install()
    if browser:
        shell = shutil.which(SHELL)
        return {"CHROMIUM": browser} | ({"HEADLESS_SHELL": shell} if shell and works(shell) else {})
    if os.environ.get("CI"):
        raise UserError(NOT_RUN)
    return {NO_BROWSER: "1"}


def find() -> str | None:
    named = os.environ.get("CHROMIUM")
    if named and not works(named):
        raise UserError(f"CHROMIUM names {named}, which does not start: name another, or none.")
    return named or find_working(*NAMES)


def _install() -> str | None:
    install("Chromium for the journeys", "chromium", SHELL)
    return find()
