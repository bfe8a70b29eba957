"""Find programs on this machine; as root with apt, install them."""

import os
import shutil
import subprocess

from local.folder import print_line


def find_working(*names: str) -> str | None:
    """Return the first program of these names that starts.

    Some systems have one that only says how to install it.
    """
    return next(filter(works, filter(None, map(shutil.which, names))), None)


def works(program: str) -> bool:
    try:
        done = subprocess.run(  # noqa: S603 - a program found on this machine
            [program, "--version"], capture_output=True, check=False, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def install(what: str, *packages: str) -> None:
    """Install Debian's packages one after another: not every system has all of them.

    Does nothing where that is not possible: look for the programs afterwards.
    """
    apt = shutil.which("apt-get")
    if os.geteuid() != 0 or apt is None:
        return
    print_line(f"Installing {what} …")
    one_by_one = [["install", "--yes", "--no-install-recommends", name] for name in packages]
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], *one_by_one):
        subprocess.run([apt, "--quiet", *command], env=quiet, capture_output=True, check=False)  # noqa: S603
