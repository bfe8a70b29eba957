"""Find the gettext tools, which read and write catalogues of translations; as root with apt,
install them."""

import os

from local.folder import UserError
from local.installed_programs import find_working, install

NOT_RUN = (
    "NOT RUN: whether the catalogues in locale/ are current, because the gettext tools are missing "
    "here. Install them (Debian: apt install gettext; macOS: brew install gettext)."
)


def are_here() -> bool:
    """Raises UserError if CI is set and they are neither here nor can be installed."""
    if not find_working("msgcmp"):
        install("gettext for the catalogues", "gettext")
    found = find_working("msgcmp") is not None
    if not found and os.environ.get("CI"):
        raise UserError(NOT_RUN)
    return found
