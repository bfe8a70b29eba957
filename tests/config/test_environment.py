"""`.env.example` says everything that can be said, and nothing else."""

import ast
import os
import sys
from pathlib import Path

from dotenv import dotenv_values

from config.house import settings_names
from config.place import ROOT
from tests.config.launch import run

# Read by ./dev and not by the settings.
ONLY_FOR_DEV = {"PORT"}
# It says where the file made from the example is, so it cannot stand in it.
NAMES_THE_FILE = {"DOTENV"}


def names_read(file: Path) -> set[str]:
    """The first argument of every `env.<type>("NAME", …)`."""
    calls = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
    return {
        argument.value
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "env"
        and call.func.attr != "read_env"
        and isinstance(argument := call.args[0], ast.Constant)
    }


def test_every_name_that_is_read_is_in_the_example() -> None:
    read = names_read(ROOT / "config" / "settings.py")

    assert settings_names() == (read | ONLY_FOR_DEV) - NAMES_THE_FILE


def test_the_example_sets_nothing_by_itself() -> None:
    assert dotenv_values(ROOT / ".env.example") == {}


def test_a_secret_in_a_file_is_read_without_its_line_end(
    tmp_path: Path, bare: dict[str, str]
) -> None:
    secret = tmp_path / "secret_key"
    secret.write_text("a long secret\n")
    needed = {"DATABASE_URL": "postgres://x/y", "REDIS_URL": "redis://x", "VAULT_KEYS": "k1:x"}
    show = "from config import settings; print([settings.SECRET_KEY])"
    environment = bare | needed | {"SECRET_KEY_FILE": str(secret), "DOTENV": os.devnull}

    shown = run([sys.executable, "-c", show], environment, cwd=ROOT)

    assert (shown.stdout, shown.stderr) == ("['a long secret']\n", "")
