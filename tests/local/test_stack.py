"""`./dev …` as a process: what it says, what it ends with, what it leaves behind."""

import os
import shutil
import signal
import socket
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from local.folder import ROOT, Place, Trouble
from local.processes import wait_until
from local.stack import held, servers
from local.supervisor import Program, supervised
from tests.support.dev_command import is_running, local, run, serving


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_what_was_started(
    place: Place, bare: dict[str, str], number: signal.Signals
) -> None:
    with serving(place, bare) as (launcher, pids):
        launcher.send_signal(number)
        complaints = launcher.communicate(timeout=30)[1]

    assert (launcher.returncode, complaints) == (0, "")
    assert len(pids) == 2
    assert not any(map(is_running, pids))


def test_a_second_copy_is_refused_in_one_sentence(place: Place, bare: dict[str, str]) -> None:
    with place.locked("run"):
        second = local("run", place=place, environment=bare)

    assert second.returncode == 1
    assert second.stderr == (
        f"./dev run (process {os.getpid()}) is already using {place.folder}: "
        "stop it first (Ctrl-C in its terminal).\n"
    )


def test_a_taken_port_is_said_before_anything_starts(place: Place, bare: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = local("run", place=place, environment=bare | {"PORT": str(port)})

    assert refused.returncode == 1
    assert refused.stderr.startswith(f"Port {port} is taken by another program: stop that one")
    assert refused.stderr.count("\n") == 1
    assert not place.database.exists()


@pytest.mark.parametrize("port", ["http", "65536", "-1"])
def test_a_port_that_is_none_is_said(place: Place, bare: dict[str, str], port: str) -> None:
    refused = local("run", place=place, environment=bare | {"PORT": port})

    assert refused.returncode == 1
    assert refused.stderr.startswith(f"PORT is “{port}”, which is no port")


def test_trouble_is_told_without_a_stack_trace(place: Place, bare: dict[str, str]) -> None:
    place.read_secrets()
    place.database.mkdir()

    refused = local("run", place=place, environment=bare | {"PORT": "0"})

    assert refused.returncode == 1
    assert "is not a whole Postgres data folder" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_command_has_the_servers_for_its_time(place: Place, bare: dict[str, str]) -> None:
    shown = local("manage", "shell", "-v", "0", "-c", SHOW, place=place, environment=bare)

    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.split() == ["127.0.0.1", "True"]
    assert not place.state.exists()


SHOW = """
from django.conf import settings
from django.db import connection
connection.ensure_connection()
print(settings.DATABASES["default"]["HOST"], str(settings.MAIL_CATCHER).endswith("mail"))
"""


def test_a_command_uses_the_servers_of_a_running_product(
    place: Place, bare: dict[str, str]
) -> None:
    show = "from django.conf import settings; print(settings.DATABASES['default']['PORT'])"
    with serving(place, bare) as (_, pids):
        port = (place.database / "postmaster.pid").read_text().splitlines()[3]
        shown = local("manage", "shell", "-v", "0", "-c", show, place=place, environment=bare)
        assert all(map(is_running, pids))

    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.strip() == port


def test_a_commands_exit_code_is_passed_on(place: Place, bare: dict[str, str]) -> None:
    bare |= {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none", "REDIS_URL": "redis://x"}

    assert local("manage", "no_such", place=place, environment=bare).returncode == 1


# --- The supervisor ------------------------------------------------------------------------

WAIT = "import signal; signal.pause()"


def test_settings_reach_a_program_as_they_are(place: Place, bare: dict[str, str]) -> None:
    odd = "100%d; \"quoted\" '%(here)s' # not a comment"
    programs = {"echo": Program(f"python -c 'import os; print(os.environ[\"ODD\"]); {WAIT}'")}
    log = place.log / "echo.log"

    with supervised(place, programs, bare | {"ODD": odd, "PYTHONUNBUFFERED": "1"}, {}) as watched:
        seen = wait_until(lambda: says(log, odd), watched.process, seconds=20)

    assert seen, log.read_text()


def test_a_program_that_cannot_start_ends_it_all_and_is_named(
    place: Place, bare: dict[str, str]
) -> None:
    programs = {
        "steady": Program(f"python -c '{WAIT}'"),
        "broken": Program("python -c 'raise SystemExit(\"no bread in the house\")'"),
    }
    with supervised(place, programs, bare, {}) as watched:
        watched.process.wait(timeout=40)
        trouble = watched.trouble()

    assert str(trouble).startswith("The program “broken” does not start.")
    assert "no bread in the house" in str(trouble)


# A pool like Celery's: its main process lets the child finish, and a SIGTERM would end the child.
POOL = """
import signal, subprocess, sys
finish = "import sys; sys.stdin.read(); print('finished', flush=True)"
child = subprocess.Popen([sys.executable, "-c", finish], stdin=subprocess.PIPE)
def stop(*_):
    child.communicate()
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("up", flush=True)
signal.pause()
"""


def test_only_the_main_process_of_a_program_is_told_to_stop(
    place: Place, bare: dict[str, str]
) -> None:
    programs = {"pool": Program("python -c 'import os; exec(os.environ[\"POOL\"])'")}
    log = place.log / "pool.log"

    with supervised(place, programs, bare | {"POOL": POOL}, {}) as watched:
        assert wait_until(lambda: says(log, "up"), watched.process, seconds=20)

    assert log.read_text().split() == ["up", "finished"]


def says(log: Path, words: str) -> bool:
    return log.exists() and words in log.read_text()


# --- As an ordinary user -------------------------------------------------------------------

SERVE_ONCE = """
import os, psycopg
from local.stack import held, open_place, servers
place = open_place()
with held(place, "run"), servers(place, "run", dict(os.environ), keep=True) as state:
    with psycopg.connect(state.environment["DATABASE_URL"]) as connection:
        print(*connection.execute("SELECT 1").fetchone(), os.geteuid())
"""
NOBODY = 65534
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder with this code that everyone may enter; pytest's own are for their owner only."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for package in ("local", "config", "safety", "vault"):
            shutil.copytree(ROOT / package, folder / package)
        shutil.copy(ROOT / ".env.example", folder)
        os.chown(folder, NOBODY, NOBODY)
        yield folder


@pytest.mark.skipif(os.geteuid() != 0, reason="every other test shows it: this is no root")
def test_an_ordinary_user_has_a_database_too(open_folder: Path, bare: dict[str, str]) -> None:
    packages = sysconfig.get_path("purelib")
    environment = bare | {"PYTHONPATH": f"{open_folder}{os.pathsep}{packages}", "REDIS_URL": "-"}
    python = readable_python(environment, open_folder)
    if python is None:
        pytest.skip("no Python of this version, or not its packages, can be read by everyone here")

    served = run([*AS_NOBODY, python, "-c", SERVE_ONCE], environment, cwd=open_folder)

    assert (served.returncode, served.stderr) == (0, "")
    assert served.stdout.split() == ["1", str(NOBODY)]
    assert (open_folder / ".local" / "secrets").stat().st_uid == NOBODY


def readable_python(environment: dict[str, str], folder: Path) -> str | None:
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}{os.pathsep}/usr/local/bin"
    for python in filter(None, (shutil.which(name, path=p) for p in path.split(os.pathsep))):
        tried = [*AS_NOBODY, python, "-c", "import psycopg, tink, psutil"]
        if run(tried, environment, cwd=folder).returncode == 0:
            return python
    return None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to ask who owns the data")
def test_root_uses_an_ordinary_users_data_as_that_user(
    open_folder: Path, bare: dict[str, str]
) -> None:
    place = Place(open_folder / ".local")
    place.make()
    with held(place, "run"), servers(place, "run", dict(bare), keep=True):
        pass
    for path in [place.database, *place.database.rglob("*")]:
        os.chown(path, NOBODY, NOBODY)

    with held(place, "run"), servers(place, "run", dict(bare), keep=True) as state:
        assert psutil.Process(state.pids["postgres"]).uids().real == NOBODY


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another user")
def test_root_without_user_namespaces_borrows_an_ordinary_user(
    open_folder: Path, bare: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    without_unshare(open_folder / "bin", monkeypatch)
    place = Place(open_folder / ".local")
    place.make()
    with held(place, "run"), servers(place, "run", dict(bare), keep=True) as state:
        user = psutil.Process(state.pids["postgres"]).uids().real

    assert user == place.database.stat().st_uid != 0
    assert place.folder.stat().st_uid == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another user")
def test_root_whose_folder_no_other_user_reaches_is_told_what_to_do(
    place: Place, bare: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    without_unshare(place.folder / "bin", monkeypatch)
    rights = {folder: folder.stat().st_mode for folder in place.folder.parents}

    with (
        pytest.raises(Trouble, match="does not run as root and no other user of this machine"),
        held(place, "run"),
        servers(place, "run", dict(bare), keep=True),
    ):
        pass
    assert {folder: folder.stat().st_mode for folder in place.folder.parents} == rights


def without_unshare(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    (folder / "test").symlink_to(str(shutil.which("test")))
    monkeypatch.setenv("PATH", str(folder))
