"""How `./dev test` runs the suite: what is made once for all of it, and its runs of pytest."""

import os
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


def prepare(environment: Environment) -> Environment:
    """Collect static files and migrate a database, so that no process of the suite has to.

    Return what to add to its environment.
    """
    import psycopg

    name = "template_for_tests"
    with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    url = urlsplit(environment["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    steps = {
        "migrate": environment | {"DATABASE_URL": url},
        "collectstatic --no-input": environment,
    }

    def run(step: str) -> None:
        log = Path(environment["TMPDIR"]) / f"{step.split()[0]}.log"
        run_logged(manage_py(step), steps[step], log)

    with ThreadPoolExecutor() as pool:
        list(pool.map(run, steps))
    # The suite starts some hundred processes: let them share what Python has compiled.
    # What they print comes at once, as on a server (Dockerfile and the units set it too).
    return {TEMPLATE_DATABASE: name, "PYTHONDONTWRITEBYTECODE": "", "PYTHONUNBUFFERED": "1"}


def runs_of_pytest(arguments: list[str]) -> list[list[str]]:
    """The arguments of each run, one after another.

    Tests that are named by path or selected by keyword run in one process. Anything else is shared
    between processes, which keep their databases: when the whole suite is done, its last tests look
    at what the others have left on the disk.
    """
    named = any((ROOT / argument.partition("::")[0]).exists() for argument in arguments)
    if named or any(argument.startswith(FEW) for argument in arguments):
        return [arguments]
    shared = ["-n", str(processes()), "--reuse-db", "-m", "not last", *arguments]
    if any(argument.startswith("-m") for argument in arguments):
        return [shared]
    return [shared, ["tests/test_sweep.py", *arguments]]


def processes() -> int:
    """Two for each core: about half of the time, tests that run programs wait for them.

    At most eight: Postgres takes 100 connections, and some tests take 20.
    """
    return min(2 * (os.cpu_count() or 1), 8)
