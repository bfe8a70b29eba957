"""Django's makemessages for our own folders, and a check that catalogues are current (ADR 31)."""

import os
import re
import subprocess
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import makemessages

# Where words for people may stand. In ".", Django would read tests and installed packages too.
FOLDERS = (
    *("accounts", "config", "healing", "home", "journal", "mail", "operations", "pause"),
    *("reminders", "safety", "templates", "vault"),
)


class Command(makemessages.Command):
    help = (
        "Writes all messages of pages and mails into the catalogues, locale/*/LC_MESSAGES/django.po"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        # Line numbers would change a catalogue with every change of the code.
        parser.set_defaults(add_location="file", no_obsolete=True)
        parser.add_argument(
            "--check",
            action="store_true",
            help="Change nothing; fail if a catalogue is not current.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        options["all"] = not options["locale"] and not options["exclude"]
        self.only_checks = options["check"]
        self.problems: list[str] = []
        with chdir(settings.BASE_DIR):
            super().handle(*args, **options)
        if self.problems:
            raise CommandError("\n".join(self.problems))

    def find_files(self, root: str) -> list[Any]:
        find = super().find_files
        return sorted(file for folder in FOLDERS for file in find(folder))

    def write_po_file(self, potfile: str, locale: str) -> None:
        if not self.only_checks:
            super().write_po_file(potfile, locale)
            return
        catalogue = Path(potfile).parent / locale / "LC_MESSAGES" / "django.po"
        if problem := _differences(catalogue, potfile):
            todo = "run ./dev manage makemessages, and commit what it changes."
            self.problems.append(f"{_name(catalogue)} is not current: {todo}\n{problem}")
        elif locale != settings.LANGUAGE_CODE and not _is_compiled(catalogue):
            todo = "run ./dev manage compilemessages, and commit what it writes."
            self.problems.append(f"{_name(catalogue)} is not compiled: {todo}")


def _name(catalogue: Path) -> str:
    return os.path.relpath(catalogue, settings.BASE_DIR)


def _differences(catalogue: Path, potfile: str) -> str:
    """Name each message that only one of them has, a line for each; empty if there is none."""
    said = _run("msgcmp", "--use-untranslated", "--use-fuzzy", catalogue, potfile).stderr
    found = [
        f"{_message(Path(file), int(line))}: {problem}"
        for file, line, problem in re.findall(r"^(.+):(\d+): (?:warning: )?(this .+)$", said, re.M)
    ]
    return "\n".join(found) or said


def _message(file: Path, line: int) -> str:
    """The message around this line: the temporary file with it is gone when it is told."""
    lines = file.read_text(encoding="utf-8").splitlines()
    before = "\n".join(lines[: line - 1]).rpartition("\n\n")[2]
    after = "\n".join(lines[line - 1 :]).partition("\n\n")[0]
    entry = f"{before}\n{after}".partition("msgid ")[2].partition("\nmsg")[0]
    return "".join(text.strip()[1:-1] for text in entry.splitlines())


def _is_compiled(catalogue: Path) -> bool:
    """Whether the file that Django reads says the same as this one."""
    with TemporaryDirectory() as folder:
        compiled = Path(folder, "django.mo")
        _run("msgfmt", "--check-format", "-o", compiled, catalogue)
        return compiled.exists() and _read(compiled) == _read(catalogue.with_suffix(".mo"))


def _read(compiled: Path) -> str:
    return _run("msgunfmt", compiled).stdout


def _run(*command: Path | str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
