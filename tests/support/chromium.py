"""The browser of every test that needs a real one."""

import os
from typing import Any

from playwright.sync_api import Browser, Playwright

# Switched off by Playwright, for a browser that does what it is told and asks nobody: of two lists
# Chromium takes the last one only, so its list stands here once more.
USUAL = [
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
# What each window would draw below its address line, in a process of its own that takes ten times
# as long as a page of ours. Nobody types an address here.
BELOW_THE_ADDRESS = ["WebUIOmniboxPopup", "WebUIOmniboxAimPopup"]


def launch(playwright: Playwright, **options: Any) -> Browser:
    return playwright.chromium.launch(
        executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
        args=[
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--font-render-hinting=none",
            f"--disable-features={','.join(USUAL + BELOW_THE_ADDRESS)}",
        ],
        **options,
    )
