"""The verbs of `./dev`, which runs `python -m local <verb> …`."""

import contextlib
import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path

from local import chromium, firefox_and_webkit, gettext_tools, pytest_runs
from local.folder import ROOT, UserError, print_line
from local.processes import INTERRUPTED, Stopped, run_in_foreground, stop_on_signals
from local.servers import free_port
from local.stack import (
    Environment,
    Product,
    choose_port,
    environment_of_running,
    environment_with_servers,
    locked,
    manage_py,
    open_local_folder,
    read_environment,
    run_product,
    temporary_servers,
)


def main(arguments: list[str]) -> int:
    verb, *rest = arguments or [""]
    if verb not in VERBS:
        sys.stderr.write("local is started by ./dev, which lists what it can do.\n")
        return 2
    os.chdir(ROOT)
    stop_on_signals()
    try:
        return VERBS[verb](rest)
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except Stopped:
        return INTERRUPTED
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        print_line(f"{error.strerror}: make room, then run this again.", sys.stderr)
        return 1


def run(arguments: list[str]) -> int:
    if arguments:
        raise UserError("./dev run takes nothing more; another port is PORT=8001 ./dev run")
    folder = open_local_folder()
    with (
        contextlib.suppress(Stopped),
        locked(folder, "run"),
        run_product(folder, choose_port(read_environment())) as product,
    ):
        _announce(product)
        try:
            product.keep_running()
        finally:
            print_line("Stopping …")
    return 0


def _announce(product: Product) -> None:
    site = product.environment["SITE_URL"]
    print_line(f"Ready: {site}/")
    if product.environment.get("MAIL_CATCHER"):
        print_line(f"The mail it sends is caught here: {site}/dev/inbox/")
    print_line("Ctrl-C stops it; what was written stays.")


def manage(arguments: list[str]) -> int:
    with environment_with_servers("manage") as environment:
        return run_in_foreground([sys.executable, "manage.py", *arguments], environment)


def demo(arguments: list[str]) -> int:
    return manage(["make_demo", *arguments])


def pictures(arguments: list[str]) -> int:
    """Take pictures of the running product, or start one for it."""
    browser = chromium.environment()
    if "CHROMIUM" not in browser:
        raise UserError("Pictures need Chromium: install it, or name one in CHROMIUM.")
    command = [sys.executable, "manage.py", "take_pictures", *arguments]
    folder = open_local_folder()
    running = environment_of_running(folder)
    if running:
        return run_in_foreground(command, running | browser)
    with locked(folder, "pictures"), run_product(folder, free_port()) as product:
        return run_in_foreground(command, product.environment | browser)


# --- check, fix, test ----------------------------------------------------------------------

# What `check --deploy` expects of a server.
PRODUCTION = {
    "SITE_URL": "https://notes.example.org",
    "EMAIL_HOST": "mail.example.org",
    "EMAIL_PORT": "587",
    "EMAIL_USE_TLS": "true",
    "DEFAULT_FROM_EMAIL": "Notes <notes@example.org>",
    "OPERATOR_NAME": "An operator",
    "OPERATOR_CONTACT": "hello@example.org",
    "TRUSTED_PROXY_COUNT": "1",
}
# import-linter has no `-m`, and the shebang of its script cannot hold a long path.
LINT_IMPORTS = "from importlinter.cli import lint_imports_command as lint; lint()"

DEPTRY = [sys.executable, "-m", "deptry", "--no-ansi", "."]
# Without the code that servers lack, and with the extras as development packages.
SERVER_ONLY = [
    "--extend-exclude",
    "^(local|bench|tests)/",
    "--optional-dependencies-dev-groups",
    "local,test",
]


def check(arguments: list[str]) -> int:
    has_gettext = gettext_tools.are_here()
    with temporary_servers() as environment:
        failed = [
            name
            for name, command, more in _checks(has_gettext=has_gettext)
            if not _is_clean(name, command, environment | more)
        ]
    if not has_gettext:
        print_line(gettext_tools.NOT_RUN)
    print_line(f"Not clean: {', '.join(failed)}." if failed else "All clean.")
    return 1 if failed else 0


def _checks(*, has_gettext: bool) -> list[tuple[str, list[str], Environment]]:
    catalogues: list[tuple[str, list[str], Environment]] = [
        ("catalogues", manage_py("makemessages --check --verbosity 0"), {})
    ]
    return [
        ("ruff", _module("ruff", "check", "--quiet", "."), {}),
        ("format", _module("ruff", "format", "--check", "--output-format", "concise", "."), {}),
        ("templates", [*_djade(), "--check", *_templates()], {}),
        ("types", _module("mypy", "--no-error-summary"), {}),
        ("dependencies", DEPTRY, {}),
        ("server dependencies", [*DEPTRY, *SERVER_ONLY], {}),
        ("imports", [sys.executable, "-c", LINT_IMPORTS, "--no-logo"], {}),
        ("migrations", manage_py("makemigrations --check --dry-run"), {}),
        ("settings", manage_py("check --deploy --fail-level WARNING"), PRODUCTION),
        ("guide", manage_py("check_guide"), {}),
        *(catalogues if has_gettext else []),
    ]


def _is_clean(name: str, command: list[str], environment: Environment) -> bool:
    code = run_in_foreground(command, environment)
    if code == INTERRUPTED:
        raise Stopped
    print_line(f"{name}: {'clean' if code == 0 else 'NOT CLEAN'}")
    return code == 0


def fix(arguments: list[str]) -> int:
    environment = dict(os.environ)
    linted = run_in_foreground(_module("ruff", "check", "--fix", "."), environment)
    formatted = run_in_foreground(_module("ruff", "format", "."), environment)
    # djade exits with 1 if it has changed a file: not a failure here.
    run_in_foreground([*_djade(), *_templates()], environment)
    return max(linted, formatted)


def test(arguments: list[str]) -> int:
    browser, others = chromium.environment(), firefox_and_webkit.environment()
    has_gettext = gettext_tools.are_here()
    with temporary_servers() as environment:
        environment |= browser | others | pytest_runs.prepare(environment, arguments)
        code = _until_stopped(pytest_runs.runs_of_pytest(arguments), environment)
    if chromium.NO_BROWSER in browser:
        print_line(f"\n{chromium.NOT_RUN}")
    if not has_gettext:
        print_line(f"\n{gettext_tools.NOT_RUN}")
    if note := firefox_and_webkit.not_run(others):
        print_line(f"\n{note}")
    return code


def _until_stopped(runs: list[list[str]], environment: Environment) -> int:
    worst = 0
    for arguments in runs:
        worst = max(worst, run_in_foreground(_module("pytest", *arguments), environment))
        # Above 1 no test has failed: the run was interrupted, or the arguments were wrong.
        if worst > 1:
            break
    return worst


def bench(arguments: list[str]) -> int:
    """Measure on temporary servers, without the user's settings."""
    with temporary_servers("bench", durable=True) as environment:
        if arguments[:1] == ["soak"]:
            return run_in_foreground(_module("bench.crash_soak", *arguments[1:]), environment)
        return run_in_foreground(_module("bench.run", *arguments), environment)


def _module(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", name, *arguments]


def _djade() -> list[str]:
    # djade is not a Python module.
    return [str(Path(sys.executable).with_name("djade")), "--target-version", "5.2"]


def _templates() -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("templates/**/*.html"))


VERBS: dict[str, Callable[[list[str]], int]] = {
    "run": run,
    "test": test,
    "check": check,
    "fix": fix,
    "bench": bench,
    "demo": demo,
    "pictures": pictures,
    "manage": manage,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
