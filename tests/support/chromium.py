"""Start Chromium for tests: whole, or as its headless shell, which has no windows to draw.

The shell takes half the processor time, and has the same engine. It does not have the back/forward
cache.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, Playwright

# Features that Playwright turns off. Chromium reads only the last list it is given, so to turn off
# more of them its list is repeated here.
OFF_IN_PLAYWRIGHT = [
    "AimEnabled",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "TcpPortRandomizationWin",
    "ThirdPartyStoragePartitioning",
]
# Suggestions below the address bar: each window would render them in a process of its own, which
# takes ten times as long as one of our pages.
OMNIBOX = ["WebUIOmniboxPopup", "WebUIOmniboxAimPopup"]
# A process that is started with each page, in case a page of another site is opened next.
SPARE = ["SpareRendererForSitePerProcess"]


# Each page is open for a moment: compiling its scripts well, and collecting their garbage beside
# them, takes longer than they run.
SCRIPTS = ["no-opt", "no-maglev", "single-threaded-gc", "min-semi-space-size=32"]

ARGUMENTS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--font-render-hinting=none",
    f"--js-flags={','.join(f'--{each}' for each in SCRIPTS)}",
]


def _whole_browser() -> dict[str, Any]:
    """Return how to start the whole browser, with the back/forward cache, which Playwright turns
    off."""
    off = OFF_IN_PLAYWRIGHT + OMNIBOX + SPARE
    return {
        "executable_path": os.environ.get("CHROMIUM", "/usr/bin/chromium"),
        "args": [*ARGUMENTS, f"--disable-features={','.join(off)}"],
        "ignore_default_args": ["--disable-back-forward-cache"],
    }


def launch(playwright: Playwright) -> Browser:
    """Start the whole browser, with the back/forward cache."""
    return playwright.chromium.launch(**_whole_browser())


@contextmanager
def running_chromium(playwright: Playwright, profile: Path, **options: Any) -> Iterator[Page]:
    """Run the whole browser with its profile in this folder, where it stays afterwards."""
    context = playwright.chromium.launch_persistent_context(profile, **_whole_browser(), **options)
    yield context.pages[0]
    context.close()


def launch_shell(playwright: Playwright) -> Browser:
    """Start the headless shell, or the whole browser if there is none."""
    program = os.environ.get("HEADLESS_SHELL")
    if program is None:
        return launch(playwright)
    return playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
