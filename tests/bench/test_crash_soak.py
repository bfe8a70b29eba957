"""`./dev bench soak`, short: people write while the servers under them are restarted."""

import subprocess
import sys

from local.folder import ROOT


def test_no_character_is_lost_or_mixed_up() -> None:
    """The seed makes the same letters and restarts each time: gunicorn and Postgres, each once by
    SIGTERM and once by SIGKILL."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.crash_soak", "--changes", "80", "--seed", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    rows = (line.rsplit(maxsplit=1) for line in done.stdout.splitlines() if line)
    counts = {name.strip(): int(count) for name, count in rows}
    assert done.returncode == 0, done.stdout + done.stderr
    assert counts["lost characters"] == counts["foreign characters"] == counts["conflicts"] == 0
    assert counts["restarts"] == 4
    assert counts["letters"] >= 3
