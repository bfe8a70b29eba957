"""What `./dev` can do on this machine: `python -m local <verb> …`."""

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

from local import chromium, testing
from local.folder import ROOT, Trouble, say
from local.processes import INTERRUPTED, Stopped, in_front, stop_on_signals
from local.servers import free_port
from local.stack import (
    Environment,
    Product,
    django,
    given,
    held,
    open_place,
    product,
    settings_at_hand,
    settings_of_running,
    thrown_away,
    wanted_port,
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
    except Trouble as trouble:
        sys.stderr.write(f"{trouble}\n")
        return 1
    except Stopped:
        return INTERRUPTED


def run(arguments: list[str]) -> int:
    if arguments:
        raise Trouble("./dev run takes nothing more; another port is PORT=8001 ./dev run")
    place = open_place()
    with contextlib.suppress(Stopped), held(place, "run"):
        with product(place, wanted_port(given())) as running:
            _announce(running)
            try:
                running.supervisor.process.wait()
            finally:
                say("Stopping …")
        raise running.supervisor.trouble()
    return 0


def _announce(running: Product) -> None:
    site = running.environment["SITE_URL"]
    say(f"Ready: {site}/")
    if running.environment.get("MAIL_CATCHER"):
        say(f"The mail it sends is caught here: {site}/dev/inbox/")
    say("Ctrl-C stops it; what was written stays.")


def manage(arguments: list[str]) -> int:
    with settings_at_hand("manage") as environment:
        return in_front([sys.executable, "manage.py", *arguments], environment)


def demo(arguments: list[str]) -> int:
    return manage(["make_demo", *arguments])


def pictures(arguments: list[str]) -> int:
    """Of the product that runs here, or of one started for as long as it takes."""
    browser = chromium.environment()
    if "CHROMIUM" not in browser:
        raise Trouble("Pictures need Chromium: install it, or name one in CHROMIUM.")
    command = [sys.executable, "manage.py", "take_pictures", *arguments]
    place = open_place()
    running = settings_of_running(place)
    if running:
        return in_front(command, running | browser)
    with held(place, "pictures"), product(place, free_port()) as started:
        return in_front(command, started.environment | browser)


# --- check, fix, test ----------------------------------------------------------------------

# What a server has, and this machine has not.
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
# It has no module to run, and a script's first line cannot hold a long path.
LINT_IMPORTS = "from importlinter.cli import lint_imports_command as lint; lint()"


def check(arguments: list[str]) -> int:
    with thrown_away() as environment:
        failed = [
            name
            for name, command, more in _checks()
            if not _is_clean(name, command, environment | more)
        ]
    say(f"Not clean: {', '.join(failed)}." if failed else "All clean.")
    return 1 if failed else 0


def _checks() -> list[tuple[str, list[str], Environment]]:
    return [
        ("ruff", _module("ruff", "check", "--quiet", "."), {}),
        ("format", _module("ruff", "format", "--check", "--output-format", "concise", "."), {}),
        ("templates", [*_djade(), "--check", *_templates()], {}),
        ("types", _module("mypy", "--no-error-summary"), {}),
        ("imports", [sys.executable, "-c", LINT_IMPORTS, "--no-logo"], {}),
        ("migrations", django("makemigrations --check --dry-run"), {}),
        ("settings", django("check --deploy --fail-level WARNING"), PRODUCTION),
        ("guide", django("check_guide"), {}),
    ]


def _is_clean(name: str, command: list[str], environment: Environment) -> bool:
    code = in_front(command, environment)
    if code == INTERRUPTED:
        raise Stopped
    say(f"{name}: {'clean' if code == 0 else 'NOT CLEAN'}")
    return code == 0


def fix(arguments: list[str]) -> int:
    environment = dict(os.environ)
    linted = in_front(_module("ruff", "check", "--fix", "."), environment)
    formatted = in_front(_module("ruff", "format", "."), environment)
    # It says 1 when it changed something, which is what was asked for.
    in_front([*_djade(), *_templates()], environment)
    return max(linted, formatted)


def test(arguments: list[str]) -> int:
    browser = chromium.environment()
    with thrown_away() as environment:
        environment |= browser | testing.prepare(environment)
        code = _until_stopped(testing.runs_of_pytest(arguments), environment)
    if chromium.NO_BROWSER in browser:
        say(f"\n{chromium.NOT_RUN}")
    return code


def _until_stopped(runs: list[list[str]], environment: Environment) -> int:
    worst = 0
    for arguments in runs:
        worst = max(worst, in_front(_module("pytest", *arguments), environment))
        # Above 1 no test has failed: the run was interrupted, or the arguments were wrong.
        if worst > 1:
            break
    return worst


def bench(arguments: list[str]) -> int:
    """On servers of its own, with nobody's settings; what it needs to know lies in bench/."""
    with thrown_away("bench", keep=True) as environment:
        if arguments[:1] == ["soak"]:
            return in_front(_module("bench.crash_soak", *arguments[1:]), environment)
        return in_front(_module("bench.run", *arguments), environment)


def _module(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", name, *arguments]


def _djade() -> list[str]:
    # A program of its own, not a Python one.
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
