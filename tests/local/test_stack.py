"""`./dev …` as a process: its output, its exit code, and what it leaves behind."""

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from django.conf import settings

from config.healthcheck import readyz
from local.folder import HOME, ROOT, LocalFolder, UserError
from local.processes import run_logged, wait_until
from local.servers import free_port, loopback_hosts
from local.stack import locked, run_servers, set_local_defaults
from local.supervisor import LOCAL_WEB, Program, run_supervisor
from tests.support.dev_command import is_running, local, run, serving
from tests.support.environment import NEEDED, without_settings
from tests.support.gunicorn_server import started


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_what_was_started(
    folder_with_data: LocalFolder, clean_env: dict[str, str], number: signal.Signals
) -> None:
    with serving(folder_with_data, clean_env) as (launcher, pids):
        launcher.send_signal(number)
        errors = launcher.communicate(timeout=120)[1]

    assert (launcher.returncode, errors) == (0, "")
    assert len(pids) == 2
    assert not any(map(is_running, pids))


def test_a_second_copy_is_refused_in_one_sentence(
    local_folder: LocalFolder, clean_env: dict[str, str]
) -> None:
    with local_folder.lock("run"):
        second = local("run", folder=local_folder, environment=clean_env)

    assert second.returncode == 1
    assert second.stderr == (
        f"./dev run (process {os.getpid()}) is already using {local_folder.path}: "
        "stop it first (Ctrl-C in its terminal).\n"
    )


def test_a_port_in_use_is_reported_before_anything_starts(
    local_folder: LocalFolder, clean_env: dict[str, str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = local("run", folder=local_folder, environment=clean_env | {"PORT": str(port)})

    assert refused.returncode == 1
    assert refused.stderr.startswith(f"Port {port} is taken by another program: stop that one")
    assert refused.stderr.count("\n") == 1
    assert not local_folder.database.exists()


@pytest.mark.parametrize("port", ["http", "65536", "-1"])
def test_an_invalid_port_is_reported(
    local_folder: LocalFolder, clean_env: dict[str, str], port: str
) -> None:
    refused = local("run", folder=local_folder, environment=clean_env | {"PORT": port})

    assert refused.returncode == 1
    assert refused.stderr.startswith(f"PORT is “{port}”, which is no port")


def test_an_error_is_shown_without_a_traceback(
    local_folder: LocalFolder, clean_env: dict[str, str]
) -> None:
    local_folder.read_secrets()
    local_folder.database.mkdir()

    refused = local("run", folder=local_folder, environment=clean_env | {"PORT": "0"})

    assert refused.returncode == 1
    assert "is not a whole Postgres data folder" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_command_starts_servers_for_itself(
    local_folder: LocalFolder, clean_env: dict[str, str]
) -> None:
    shown = local(
        "manage", "shell", "-v", "0", "-c", SHOW, folder=local_folder, environment=clean_env
    )

    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.split() == ["127.0.0.1", "True"]
    assert not local_folder.state.exists()


SHOW = """
from django.conf import settings
from django.db import connection
connection.ensure_connection()
print(settings.DATABASES["default"]["HOST"], str(settings.MAIL_CATCHER).endswith("mail"))
"""


def test_a_command_uses_the_servers_of_a_running_product(
    folder_with_data: LocalFolder, clean_env: dict[str, str]
) -> None:
    show = "from django.conf import settings; print(settings.DATABASES['default']['PORT'])"
    with serving(folder_with_data, clean_env) as (_, pids):
        port = (folder_with_data.database / "postmaster.pid").read_text().splitlines()[3]
        shown = local(
            "manage",
            "shell",
            "-v",
            "0",
            "-c",
            show,
            folder=folder_with_data,
            environment=clean_env,
        )
        assert all(map(is_running, pids))

    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.strip() == port


def test_the_exit_code_of_a_command_is_passed_on(
    local_folder: LocalFolder, clean_env: dict[str, str]
) -> None:
    clean_env |= {
        "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
        "REDIS_URL": "redis://x",
    }

    assert local("manage", "no_such", folder=local_folder, environment=clean_env).returncode == 1


# --- What can be wrong in the environment --------------------------------------------------


def refused(folder: LocalFolder, environment: dict[str, str]) -> str:
    """Return what a `./dev run` that does not start writes to standard error."""
    ended = local("run", folder=folder, environment={"PORT": "0"} | environment)
    assert ended.returncode == 1, ended.stdout
    return ended.stderr


def test_a_lock_that_cannot_be_opened_is_one_sentence(
    local_folder: LocalFolder, clean_env: dict[str, str]
) -> None:
    (local_folder.path / "lock").mkdir()

    assert refused(local_folder, clean_env) == (
        f"The file {local_folder.path / 'lock'} cannot be used: Is a directory.\n"
    )


def test_a_folder_that_cannot_be_made_is_one_sentence(
    tmp_path: Path, clean_env: dict[str, str]
) -> None:
    (tmp_path / "file").write_text("")

    assert refused(LocalFolder(tmp_path / "file" / "below"), clean_env) == (
        f"The folder {tmp_path / 'file' / 'below'} cannot be used: Not a directory.\n"
    )


def test_an_env_file_that_is_not_text_is_one_sentence(
    local_folder: LocalFolder, clean_env: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "env"
    file.write_bytes(b"SITE_NAME=\xff\n")

    assert refused(local_folder, clean_env | {"DOTENV": str(file)}) == (
        f"{file} cannot be read: it must be a text file that this program may open.\n"
    )


def test_arguments_of_gunicorn_that_cannot_be_parsed_are_one_sentence(
    local_folder: LocalFolder, clean_env: dict[str, str]
) -> None:
    assert refused(local_folder, clean_env | {"GUNICORN_CMD_ARGS": '--name "x'}) == (
        "GUNICORN_CMD_ARGS is not valid: it lacks a closing quotation mark.\n"
    )


def test_a_database_that_does_not_answer_is_one_sentence(
    local_folder: LocalFolder, clean_env: dict[str, str]
) -> None:
    url = f"postgres://nobody@127.0.0.1:{free_port()}/none"

    assert refused(local_folder, clean_env | {"DATABASE_URL": url, "REDIS_URL": "redis://x"}) == (
        "The Postgres in DATABASE_URL accepts no connection: start it, correct its address, or "
        "unset DATABASE_URL to use one that is started for you.\n"
    )


def test_a_secret_file_that_cannot_be_read_is_one_sentence(
    local_folder: LocalFolder, clean_env: dict[str, str]
) -> None:
    assert refused(local_folder, clean_env | {"REDIS_URL_FILE": "/no/such/file"}) == (
        "REDIS_URL_FILE cannot be read: it must be a text file that this program may open.\n"
    )


def test_a_broker_that_does_not_answer_is_one_sentence(
    local_folder: LocalFolder, clean_env: dict[str, str]
) -> None:
    url = f"redis://127.0.0.1:{free_port()}/0"

    assert refused(local_folder, clean_env | {"REDIS_URL": url}) == (
        "The Redis in REDIS_URL does not answer: start it, correct its address, or unset "
        "REDIS_URL to use one that is started for you.\n"
    )


def test_a_command_that_ends_with_one_sentence_is_shown_by_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('SITE_URL is not valid: write one.')"]

    with pytest.raises(UserError) as raised:
        run_logged(command, dict(os.environ), tmp_path / "log")
    assert str(raised.value) == "SITE_URL is not valid: write one."


def test_a_command_that_ends_with_more_is_shown_with_its_log(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print('one'); raise SystemExit('two')"]

    with pytest.raises(UserError) as raised:
        run_logged(command, dict(os.environ), tmp_path / "log")
    assert str(raised.value).endswith(f"failed. The end of {tmp_path / 'log'}:\n  one\n  two")


# --- Other addresses of this machine -------------------------------------------------------


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, collected: None) -> Iterator[int]:
    """The web server of `./dev run`. Yield its port."""
    folder, port = LocalFolder(tmp_path_factory.mktemp("site")), free_port()
    environment = without_settings() | NEEDED
    environment |= {
        "STATIC_ROOT": str(settings.STATIC_ROOT),
        "PAGES_ROOT": str(settings.PAGES_ROOT),
    }
    set_local_defaults(folder, environment, port)
    command = [sys.executable, *LOCAL_WEB.command.removeprefix("python ").split()]
    with started(command, environment, folder.path / "web.log") as web:
        assert wait_until(lambda: readyz(port) is not None, web.process, seconds=90), web.text()
        yield port


def ask(port: int, host: str, method: str, path: str) -> tuple[int, str | None]:
    connection = http.client.HTTPConnection(host, port, timeout=120)
    with contextlib.closing(connection):
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Location")


def test_other_addresses_of_this_machine_redirect_to_the_printed_one(site: int) -> None:
    """Browsers try ::1 first for `localhost`, and people type 127.0.0.1."""
    answers = {host: ask(site, host, "GET", "/steps/3/?a=1&b=%C3%A9") for host in loopback_hosts()}

    location = f"http://localhost:{site}/steps/3/?a=1&b=%C3%A9"
    assert answers == dict.fromkeys(loopback_hosts(), (307, location))
    assert ask(site, "127.0.0.1", "HEAD", "/") == (307, f"http://localhost:{site}/")
    assert ask(site, "127.0.0.1", "POST", "/") == (400, None)
    assert ask(site, "localhost", "GET", "/healthz") == (200, None)
    assert ask(site, "127.0.0.1", "HEAD", "/healthz") == (200, None)


def test_redirect_never_leads_to_another_host(site: int) -> None:
    ours = f"localhost:{site}"
    locations = {
        path: urlsplit(ask(site, "127.0.0.1", "GET", path)[1] or "").netloc
        for path in ("//evil.example/", "/@evil.example/", "/.evil.example/")
    }
    # No client but an attacker's sends this, so there is nobody to redirect.
    odd = ask(site, "127.0.0.1", "GET", "@evil.example")[1]

    assert locations == dict.fromkeys(locations, ours)
    assert odd is None or urlsplit(odd).netloc == ours


@pytest.mark.parametrize("address", ["https://notes.example.org", "http://127.0.0.1:8000"])
def test_a_site_that_is_not_at_localhost_redirects_nobody(
    environment: dict[str, str], address: str
) -> None:
    hosts = f"127.0.0.1,{urlsplit(address).hostname}"
    environment |= {"SITE_URL": address, "ALLOWED_HOSTS": hosts}
    shown = run([sys.executable, "-c", CALL], environment, cwd=ROOT)

    assert "answered 200 OK\n" in shown.stdout, shown.stderr


CALL = """
from wsgiref.util import setup_testing_defaults
from local.loopback_redirect import application
environ = {"HTTP_HOST": "127.0.0.1:8000", "PATH_INFO": "/healthz"}
setup_testing_defaults(environ)
list(application(environ, lambda status, headers: print("answered", status)))
"""


# --- Servers that end by themselves --------------------------------------------------------

KEEP_RUNNING = """
import os, sys
from local.__main__ import VERBS, main
from local.stack import Product, locked, open_local_folder, run_servers
from local.supervisor import Program, run_supervisor

def keep_running(arguments):
    folder, environment = open_local_folder(), dict(os.environ)
    programs = {"steady": Program("python -c 'import signal; signal.pause()'")}
    with locked(folder, "run"), run_servers(folder, "run", environment, durable=True) as running:
        with run_supervisor(folder, programs, environment, running.state.pids) as supervisor:
            folder.write_state(running.state)
            print("up", flush=True)
            Product(environment, folder, running, supervisor).keep_running()

VERBS["keep_running"] = keep_running
sys.exit(main(["keep_running"]))
"""


@pytest.fixture
def keeping(
    folder_with_data: LocalFolder, clean_env: dict[str, str]
) -> Iterator["subprocess.Popen[str]"]:
    """Servers and a supervisor in a process of their own, which keeps them running."""
    launcher = subprocess.Popen(
        [sys.executable, "-c", KEEP_RUNNING],
        cwd=ROOT,
        env=clean_env | {HOME: str(folder_with_data.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert launcher.stdout
        assert launcher.stdout.readline() == "up\n"
        yield launcher
    finally:
        launcher.terminate()
        launcher.communicate(timeout=120)


def kill(folder: LocalFolder, name: str) -> None:
    state = folder.read_state()
    assert state
    os.kill(state.pids[name], signal.SIGKILL)


@pytest.mark.parametrize("name", ["postgres", "redis"])
def test_a_server_that_ends_is_started_again_and_twice_stops_all(
    local_folder: LocalFolder, keeping: "subprocess.Popen[str]", name: str
) -> None:
    assert keeping.stderr
    kill(local_folder, name)
    lines = [keeping.stderr.readline(), keeping.stderr.readline()]
    kill(local_folder, name)
    _, errors = keeping.communicate(timeout=120)

    server = name.capitalize()
    assert lines == [f"{server} has ended and is started again …\n", f"{server} runs again.\n"]
    assert errors.startswith(f"{server} has ended again and again. The end of ")
    assert "Traceback" not in errors
    assert keeping.returncode == 1
    assert not local_folder.state.exists()


def test_a_server_that_does_not_start_again_stops_all(
    local_folder: LocalFolder, keeping: "subprocess.Popen[str]"
) -> None:
    (local_folder.database / "global" / "pg_control").unlink()
    kill(local_folder, "postgres")
    _, errors = keeping.communicate(timeout=120)

    assert errors.startswith("Postgres has ended and is started again …\nPostgres has ended and ")
    assert "does not start again. The end of" in errors
    assert "Traceback" not in errors
    assert keeping.returncode == 1


# --- The supervisor ------------------------------------------------------------------------

WAIT = "import signal; signal.pause()"


def test_settings_reach_a_program_as_they_are(
    local_folder: LocalFolder, clean_env: dict[str, str]
) -> None:
    value = "100%d; \"quoted\" '%(here)s' # not a comment"
    programs = {"echo": Program(f"python -c 'import os; print(os.environ[\"ODD\"]); {WAIT}'")}
    log = local_folder.log / "echo.log"

    with run_supervisor(
        local_folder, programs, clean_env | {"ODD": value, "PYTHONUNBUFFERED": "1"}, {}
    ) as supervisor:
        found = wait_until(lambda: contains(log, value), supervisor.process, seconds=20)

    assert found, log.read_text()


def test_a_program_that_cannot_start_stops_all_and_is_named(
    local_folder: LocalFolder, clean_env: dict[str, str]
) -> None:
    programs = {
        "steady": Program(f"python -c '{WAIT}'"),
        "broken": Program("python -c 'raise SystemExit(\"the reason of the failure\")'"),
    }
    with run_supervisor(local_folder, programs, clean_env, {}) as supervisor:
        supervisor.process.wait(timeout=120)
        error = supervisor.error()

    assert str(error).startswith("The program “broken” does not start.")
    assert "the reason of the failure" in str(error)


def test_a_full_disk_ends_neither_the_supervisor_nor_its_programs(
    local_folder: LocalFolder, clean_env: dict[str, str]
) -> None:
    programs = {"up": Program(f"python -uc 'import os; print(os.getpid()); {WAIT}'")}
    log = local_folder.log / "up.log"
    with run_supervisor(local_folder, programs, clean_env, {}) as supervisor:
        assert wait_until(lambda: contains(log, "\n"), supervisor.process, seconds=20)
        supervisord, first = psutil.Process(supervisor.process.pid), int(log.read_text())
        # Nothing of what it logs from here on can be written.
        supervisord.rlimit(psutil.RLIMIT_FSIZE, (0, 0))
        before = {child.pid for child in supervisord.children()}
        psutil.Process(first).kill()
        assert wait_until(
            lambda: {child.pid for child in supervisord.children()} - before,
            supervisor.process,
            seconds=20,
        )

    assert "Traceback" not in (local_folder.log / "supervisor.log").read_text()


def test_a_disk_without_room_is_one_sentence(clean_env: dict[str, str]) -> None:
    filled = run([sys.executable, "-c", FILL], clean_env, cwd=ROOT)

    assert (filled.returncode, filled.stdout) == (1, "")
    assert filled.stderr == "No space left on device: make room, then run this again.\n"


FILL = """
import sys
from pathlib import Path
from local.__main__ import VERBS, main
VERBS["fill"] = lambda arguments: Path("/dev/full").write_text("words")
sys.exit(main(["fill"]))
"""


# A pool like Celery's: the main process lets its child finish, and SIGTERM would end the child.
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


def test_only_the_main_process_of_a_program_is_signalled(
    local_folder: LocalFolder, clean_env: dict[str, str]
) -> None:
    programs = {"pool": Program("python -c 'import os; exec(os.environ[\"POOL\"])'")}
    log = local_folder.log / "pool.log"

    with run_supervisor(local_folder, programs, clean_env | {"POOL": POOL}, {}) as supervisor:
        assert wait_until(lambda: contains(log, "up"), supervisor.process, seconds=20)

    assert log.read_text().split() == ["up", "finished"]


def contains(log: Path, words: str) -> bool:
    return log.exists() and words in log.read_text()


# --- As an ordinary user -------------------------------------------------------------------

SERVE_ONCE = """
import os, psycopg
from local.stack import locked, open_local_folder, run_servers
folder = open_local_folder()
with locked(folder, "run"), run_servers(folder, "run", dict(os.environ), durable=True) as running:
    with psycopg.connect(running.state.environment["DATABASE_URL"]) as connection:
        print(*connection.execute("SELECT 1").fetchone(), os.geteuid())
"""
NOBODY = 65534
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A copy of the code in a folder that every user may read, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for package in ("local", "config", "safety", "vault"):
            shutil.copytree(ROOT / package, folder / package)
        shutil.copy(ROOT / ".env.example", folder)
        os.chown(folder, NOBODY, NOBODY)
        yield folder


@pytest.mark.skipif(os.geteuid() != 0, reason="every other test runs as an ordinary user")
def test_an_ordinary_user_has_a_database_too(open_folder: Path, clean_env: dict[str, str]) -> None:
    packages = sysconfig.get_path("purelib")
    environment = clean_env | {
        "PYTHONPATH": f"{open_folder}{os.pathsep}{packages}",
        "REDIS_URL": "-",
    }
    python = readable_python(environment, open_folder)
    if python is None:
        pytest.skip("no Python of this version with its packages is readable by every user")

    served = run([*AS_NOBODY, python, "-c", SERVE_ONCE], environment, cwd=open_folder)

    assert (served.returncode, served.stderr) == (0, "")
    assert served.stdout.split() == ["1", str(NOBODY)]
    assert (open_folder / ".local" / "secrets").stat().st_uid == NOBODY


def readable_python(environment: dict[str, str], folder: Path) -> str | None:
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}{os.pathsep}/usr/local/bin"
    for python in filter(None, (shutil.which(name, path=p) for p in path.split(os.pathsep))):
        command = [*AS_NOBODY, python, "-c", "import psycopg, tink, psutil"]
        if run(command, environment, cwd=folder).returncode == 0:
            return python
    return None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root chooses the user")
def test_root_uses_an_ordinary_users_data_as_that_user(
    open_folder: Path, initialised: LocalFolder, clean_env: dict[str, str]
) -> None:
    local_folder = LocalFolder(open_folder / ".local")
    local_folder.make()
    shutil.copytree(initialised.database, local_folder.database)
    shutil.copy(initialised.secrets, local_folder.secrets)
    for path in [local_folder.database, *local_folder.database.rglob("*")]:
        os.chown(path, NOBODY, NOBODY)

    with (
        locked(local_folder, "run"),
        run_servers(local_folder, "run", dict(clean_env), durable=True) as running,
    ):
        assert psutil.Process(running.state.pids["postgres"]).uids().real == NOBODY


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another user")
def test_root_without_user_namespaces_uses_an_unprivileged_user(
    open_folder: Path, clean_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    without_unshare(open_folder / "bin", monkeypatch)
    local_folder = LocalFolder(open_folder / ".local")
    local_folder.make()
    with (
        locked(local_folder, "run"),
        run_servers(local_folder, "run", dict(clean_env), durable=True) as running,
    ):
        user = psutil.Process(running.state.pids["postgres"]).uids().real

    assert user == local_folder.database.stat().st_uid != 0
    assert local_folder.path.stat().st_uid == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another user")
def test_root_whose_folder_no_other_user_reaches_gets_one_sentence(
    local_folder: LocalFolder, clean_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    without_unshare(local_folder.path / "bin", monkeypatch)
    rights = {folder: folder.stat().st_mode for folder in local_folder.path.parents}

    with (
        pytest.raises(UserError, match="does not run as root and no other user of this machine"),
        locked(local_folder, "run"),
        run_servers(local_folder, "run", dict(clean_env), durable=True),
    ):
        pass
    assert {folder: folder.stat().st_mode for folder in local_folder.path.parents} == rights


def without_unshare(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    (folder / "test").symlink_to(str(shutil.which("test")))
    monkeypatch.setenv("PATH", str(folder))
