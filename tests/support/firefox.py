"""Drive Firefox by Selenium, without geckodriver, which Debian does not have.

Firefox has a driver inside, Marionette, which speaks JSON on a socket. Its commands are those of
WebDriver under other names.
"""

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium.webdriver import FirefoxOptions, Remote
from selenium.webdriver.remote.command import Command

from tests.support.waiting import PATIENCE, wait_for

Parameters = dict[str, Any]

# Any other command has Selenium's name with a capital letter.
MARIONETTE_NAMES = {
    Command.GET: "Navigate",
    Command.GO_BACK: "Back",
    Command.GO_FORWARD: "Forward",
    Command.CLOSE: "CloseWindow",
    Command.GET_CURRENT_URL: "GetCurrentURL",
    Command.W3C_GET_CURRENT_WINDOW_HANDLE: "GetWindowHandle",
    Command.W3C_GET_WINDOW_HANDLES: "GetWindowHandles",
    Command.W3C_EXECUTE_SCRIPT: "ExecuteScript",
    Command.W3C_EXECUTE_SCRIPT_ASYNC: "ExecuteAsyncScript",
    Command.W3C_ACTIONS: "PerformActions",
    Command.CLICK_ELEMENT: "ElementClick",
    Command.CLEAR_ELEMENT: "ElementClear",
    Command.SEND_KEYS_TO_ELEMENT: "ElementSendKeys",
    Command.SCREENSHOT: "TakeScreenshot",
}

PREFERENCES: dict[str, bool | int | str] = {
    # A free one, which Firefox writes into its profile.
    "marionette.port": 0,
    # As in Chromium (tests/support/browser.py).
    "ui.prefersReducedMotion": 1,
    # Nothing of its own may come between the driver and the page, or ask another site.
    "termsofuse.bypassNotification": True,
    "datareporting.policy.dataSubmissionEnabled": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
}


class Marionette:
    """What Selenium takes for the connection to a driver: each command is one message."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self._stream = self._socket.makefile("rb")
        # Firefox says which protocol it speaks.
        self._receive()

    def execute(self, command: str, params: Parameters) -> Parameters:
        if command == Command.NEW_SESSION:
            params = {}
        name = MARIONETTE_NAMES.get(command, command[0].upper() + command[1:])
        return self.send(f"WebDriver:{name}", **params)

    def send(self, name: str, /, **params: Any) -> Parameters:
        """Return the response in the form in which Selenium reads it."""
        message = json.dumps([0, 0, name, params]).encode()
        self._socket.sendall(b"%d:%s" % (len(message), message))
        _, _, error, result = self._receive()
        if error:
            return {"status": 500, "value": json.dumps(error)}
        return result if "value" in result else {"value": result}

    def close(self) -> None:
        self._stream.close()
        self._socket.close()

    def _receive(self) -> list[Any]:
        size = b"".join(iter(lambda: self._stream.read(1), b":"))
        received: list[Any] = json.loads(self._stream.read(int(size)))
        return received


class Firefox(Remote):
    # How its driver takes a day for a date field.
    day_format = "%Y-%m-%d"

    def __init__(self, connection: Marionette) -> None:
        super().__init__(connection, options=FirefoxOptions())
        self._connection = connection

    def run_in_browser(self, script: str, *args: Any) -> Any:
        """Run a script in the browser itself, outside any page."""
        self._connection.send("Marionette:SetContext", value="chrome")
        try:
            return self.execute_script(script, *args)
        finally:
            self._connection.send("Marionette:SetContext", value="content")

    @contextmanager
    def preferences(self, **changed: bool | int) -> Iterator[None]:
        """Change preferences, whose dots are written as underscores here, for a while."""
        named = {name.replace("_", "."): value for name, value in changed.items()}
        self.run_in_browser(
            """for (const [name, value] of Object.entries(arguments[0]))
              Services.prefs[typeof value === "number" ? "setIntPref" : "setBoolPref"](name, value);
            """,
            named,
        )
        try:
            yield
        finally:
            self.run_in_browser("arguments[0].forEach(Services.prefs.clearUserPref)", list(named))

    def errors(self, url: str) -> list[str]:
        """Errors of scripts and of policies on pages of this site, which are then forgotten."""
        found: list[str] = self.run_in_browser(
            """const errors = Services.console.getMessageArray()
                .filter((each) => each instanceof Ci.nsIScriptError)
                .filter((each) => !(each.flags & Ci.nsIScriptError.warningFlag))
                .filter((each) => (each.sourceName + each.errorMessage).includes(arguments[0]))
                .map((each) => each.toString());
              Services.console.reset();
              return errors;""",
            url,
        )
        return found

    def quit(self) -> None:
        self._connection.send("Marionette:Quit", flags=["eForceQuit"])
        self._connection.close()


@contextmanager
def running_firefox(
    folder: Path, preferences: dict[str, bool | int | str] | None = None
) -> Iterator[Firefox]:
    """Run Firefox with its profile in this folder, where it stays afterwards."""
    profile = folder / "profile"
    profile.mkdir()
    lines = (
        f"user_pref({json.dumps(name)}, {json.dumps(value)});"
        for name, value in (PREFERENCES | (preferences or {})).items()
    )
    (profile / "user.js").write_text("\n".join(lines))
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [
                *(os.environ["FIREFOX"], "--headless", "--marionette"),
                *("-remote-allow-system-access", "--profile", str(profile)),
            ],
            stdout=log,
            stderr=log,
            env=os.environ | {"HOME": str(folder)},
        )
        try:
            port_file = profile / "MarionetteActivePort"
            port = wait_for(lambda: port_file.exists() and port_file.read_text(), "Firefox")
            driver = Firefox(Marionette(int(port)))
            try:
                yield driver
            finally:
                driver.quit()
            process.wait(PATIENCE)
        finally:
            process.kill()
            process.wait()
