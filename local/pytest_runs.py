"""How `./dev test` runs the suite: what is made once for all of it, and its runs of pytest."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from local.folder import ROOT
from local.processes import run_logged
from local.stack import Environment, manage_py

# What the suite reads: the name of the migrated database that it clones. Where it is set, static
# files lie in STATIC_ROOT already.
TEMPLATE_DATABASE = "PAPER_BOAT_TEMPLATE_DATABASE"
# These select a few tests, which are not worth sharing out.
FEW = ("-k", "--lf", "--last-failed")


def prepare(environment: Environment, arguments: list[str]) -> Environment:
    """Collect static files, migrate a database and compile the tests, so that no process of the
    suite has to.

    Return what to add to its environment.
    """
    import psycopg

    name = "template_for_tests"
    with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    url = urlsplit(environment["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    # The suite starts some hundred processes: let them share what Python has compiled.
    # What they print comes at once, as on a server (Dockerfile and the units set it too).
    more = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONUNBUFFERED": "1"}
    steps = {
        "migrate": environment | {"DATABASE_URL": url},
        "collectstatic --no-input": environment,
    }

    def run(step: str) -> None:
        log = Path(environment["TMPDIR"]) / f"{step.split()[0]}.log"
        run_logged(manage_py(step), steps[step], log)

    with ThreadPoolExecutor() as pool:
        if is_shared(arguments) and not are_compiled(ROOT / "tests"):
            pool.submit(compile_tests, environment | more)
        list(pool.map(run, steps))
    return {TEMPLATE_DATABASE: name} | more


def compile_tests(environment: Environment) -> None:
    """Let one process rewrite the assertions of all tests: those that share the suite start
    together, and each would rewrite all of them. A test that cannot be imported fails later."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-p", "no:cacheprovider"]
    subprocess.run(  # noqa: S603 - our own program
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )


def are_compiled(tests: Path) -> bool:
    """Whether pytest has compiled all of them before. It compiles again what has changed since."""
    compiled = tests.glob("**/__pycache__/test_*-pytest-*.pyc")
    names = {file.name.partition(".")[0] for file in compiled}
    return all(file.stem in names for file in tests.glob("**/test_*.py"))


def runs_of_pytest(arguments: list[str]) -> list[list[str]]:
    """The arguments of each run, one after another.

    Tests that are named by path or selected by keyword run in one process. Anything else is shared
    between processes, which keep their databases: when the whole suite is done, its last tests look
    at what the others have left on the disk.
    """
    if not is_shared(arguments):
        return [arguments]
    shared = ["-n", str(processes()), "--reuse-db", "-m", "not last", *arguments]
    if any(argument.startswith("-m") for argument in arguments):
        return [shared]
    return [shared, ["tests/test_sweep.py", *arguments]]


def is_shared(arguments: list[str]) -> bool:
    """Whether several processes share the tests that these arguments select."""
    named = any((ROOT / argument.partition("::")[0]).exists() for argument in arguments)
    return not named and not any(argument.startswith(FEW) for argument in arguments)


def processes() -> int:
    """Two for each core: about half of the time, tests that run programs wait for them.

    At most eight: Postgres takes 100 connections, and some tests take 20.
    """
    return min(2 * (os.cpu_count() or 1), 8)
