"""People write while the servers under them come and go: `./dev bench soak`, in small."""

import subprocess
import sys

from local.folder import ROOT


def test_no_sign_is_lost_and_none_is_mixed() -> None:
    """The same letters and the same restarts each time: of the web server and of Postgres, each of
    them once politely and once by kill -9."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.crash_soak", "--changes", "80", "--seed", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    said = dict(line.rsplit(maxsplit=1) for line in done.stdout.splitlines() if line)
    told = {name.strip(): number for name, number in said.items()}
    assert done.returncode == 0, done.stdout + done.stderr
    assert (told["lost signs"], told["mixed signs"], told["set beside"]) == ("0", "0", "0")
    assert int(told["restarts"]) == 4
    assert int(told["letters"]) >= 3
