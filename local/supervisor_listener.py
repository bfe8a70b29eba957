"""Listen to the supervisor: record program states, and stop it if a program cannot start."""

import os
import signal
from contextlib import suppress
from pathlib import Path

from supervisor.childutils import get_headers, listener

from local.folder import HOME, LocalFolder
from local.supervisor import states_file


def watch() -> None:
    file = states_file(LocalFolder(Path(os.environ[HOME])))
    while True:
        headers, payload = listener.wait()
        state = headers["eventname"].removeprefix("PROCESS_STATE_")
        # On a full disk a state is lost. This program must not end with it.
        with suppress(OSError), file.open("a", encoding="utf-8") as lines:
            lines.write(f"{get_headers(payload)['processname']} {state}\n")
        listener.ok()
        if state == "FATAL":
            os.kill(os.getppid(), signal.SIGTERM)


if __name__ == "__main__":
    watch()
