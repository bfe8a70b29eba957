"""`.env.example` says everything that can be said, and nothing else."""

import ast
import sys
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from dotenv import dotenv_values

from local.folder import ROOT
from local.stack import settings_names
from tests.support.gunicorn_server import run

# Read by ./dev and not by the settings.
ONLY_FOR_DEV = {"PORT"}
# It says where the file made from the example is, so it cannot stand in it.
NAMES_THE_FILE = {"DOTENV"}


def show(what: str, environment: dict[str, str]) -> CompletedProcess[str]:
    """What the settings make of it."""
    code = f"from config import settings; print({what})"
    return run([sys.executable, "-c", code], environment, cwd=ROOT)


def names_read(file: Path) -> set[str]:
    """The first argument of every `env.<type>("NAME", …)`."""
    calls = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
    return {
        argument.value
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "env"
        and call.func.attr not in {"read_env", "add_parser"}
        and isinstance(argument := call.args[0], ast.Constant)
    }


def test_every_name_that_is_read_is_in_the_example() -> None:
    read = names_read(ROOT / "config" / "settings.py")

    assert settings_names() == (read | ONLY_FOR_DEV) - NAMES_THE_FILE


def test_the_example_sets_nothing_by_itself() -> None:
    assert dotenv_values(ROOT / ".env.example") == {}


def test_a_secret_in_a_file_is_read_without_its_line_end(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    secret = tmp_path / "secret_key"
    secret.write_text("a long secret\n")
    del environment["SECRET_KEY"]

    shown = show("settings.SECRET_KEY", environment | {"SECRET_KEY_FILE": str(secret)})

    assert (shown.stdout, shown.stderr) == ("a long secret\n", "")


@pytest.mark.parametrize(
    ("said", "level"), [("", "INFO"), ("info", "INFO"), ("Warning ", "WARNING"), ("DEBUG", "DEBUG")]
)
def test_level_of_logs_is_said_in_any_case_or_not_at_all(
    environment: dict[str, str], said: str, level: str
) -> None:
    shown = show("settings.LOGGING['root']['level']", environment | {"LOG_LEVEL": said})

    assert (shown.stdout, shown.stderr) == (f"{level}\n", "")


def test_level_of_logs_that_is_none_is_answered_with_those_there_are(
    environment: dict[str, str],
) -> None:
    shown = show("settings.LOGGING", environment | {"LOG_LEVEL": "loud"})

    said = 'Environment variable "LOG_LEVEL" invalid: Must be one of: DEBUG, INFO, WARNING, ERROR.'
    assert shown.stderr.splitlines()[-1] == f"environs.exceptions.EnvValidationError: {said}"


def test_backups_that_end_before_they_are_made_are_no_setting(environment: dict[str, str]) -> None:
    shown = show("settings.BACKUP_DAYS", environment | {"BACKUP_DAYS": "-3"})

    said = "Environment variable \"BACKUP_DAYS\" invalid: ['Must be greater than or equal to 0.']"
    assert shown.stderr.splitlines()[-1] == f"environs.exceptions.EnvValidationError: {said}"
