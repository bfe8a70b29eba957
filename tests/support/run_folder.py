"""The folder of this run of `./dev test`."""

import tempfile
from pathlib import Path


def run_folder() -> Path | None:
    """Where the servers of `./dev test` keep data and logs, and where all temporary files are.

    None if pytest was started on servers that were already running.
    """
    folder = Path(tempfile.gettempdir()).parent
    return folder if folder.name.startswith("paper-boat-") else None
