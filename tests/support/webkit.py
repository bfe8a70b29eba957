"""Drive WebKitGTK by Selenium: WebKitWebDriver, and the small browser that Debian has with it."""

import os
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium.webdriver import WebKitGTK, WebKitGTKOptions, WebKitGTKService


class WebKit(WebKitGTK):
    # Its driver types into the parts of a date field, in their order.
    day_format = "%m/%d/%Y"

    def __init__(self, log: Path, environment: dict[str, str]) -> None:
        self._log = log
        self._seen = 0
        options = WebKitGTKOptions()
        options.binary_location = os.environ["MINI_BROWSER"]
        # Else every command waits for the page that Back led to, for ever if it redirected.
        options.page_load_strategy = "none"
        options.add_argument("--automation")
        options.add_argument("--enable-write-console-messages-to-stdout=true")
        driver = os.environ["WEBKIT_DRIVER"]
        service = WebKitGTKService(driver, log_output=str(log), env=environment)
        with warnings.catch_warnings():
            # Selenium still makes its connection in a way that it advises against.
            warnings.simplefilter("ignore", DeprecationWarning)
            super().__init__(options, service)

    def errors(self, url: str) -> list[str]:
        """What was written to the console since the last call."""
        lines = self._log.read_text(errors="replace").splitlines()
        new, self._seen = lines[self._seen :], len(lines)
        return [line for line in new if line.startswith("CONSOLE")]


@contextmanager
def running_webkit(folder: Path) -> Iterator[WebKit]:
    with _display() as display:
        # Nobody listens on a bus for assistive technology.
        environment = os.environ | {"DISPLAY": display, "GTK_A11Y": "none", "LC_ALL": "C.UTF-8"}
        driver = WebKit(folder / "log", environment)
        try:
            yield driver
        finally:
            driver.quit()


@contextmanager
def _display() -> Iterator[str]:
    """A display without a screen. X chooses a free number, and writes it into the pipe."""
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x1024x24", "-nolisten", "tcp"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        # To the end of the line: closed earlier, the pipe would end Xvfb.
        with os.fdopen(read) as numbers:
            yield f":{numbers.readline().strip()}"
    finally:
        server.terminate()
        server.wait()
