"""`.env.example` lists every setting, and a value that cannot be used is one sentence."""

import ast
import json
import os
import re
import runpy
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from dotenv import dotenv_values

from config.environment import Environment
from local.folder import ROOT
from local.stack import settings_names
from local.supervisor import BEAT, WEB, WORKER, Program
from tests.support.dev_command import run

# Read by ./dev and not by the settings.
ONLY_FOR_DEV = {"PORT"}
# It names the file made from the example, so it cannot be in it.
NAMES_THE_FILE = {"DOTENV"}


def settings_in(environment: dict[str, str]) -> dict[str, Any]:
    """Read the settings once more, in this environment."""
    with patch.dict(os.environ, environment, clear=True):
        return runpy.run_path(str(ROOT / "config" / "settings.py"))


def names_read(tree: ast.Module, method: str | None = None) -> set[str]:
    """The first argument of every `env.<method>("NAME", …)`."""
    return {
        argument.value
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "env"
        and method in {None, call.func.attr}
        and isinstance(argument := call.args[0], ast.Constant)
    }


def test_every_name_that_is_read_is_in_the_example() -> None:
    read = names_read(ast.parse((ROOT / "config" / "settings.py").read_text()))

    assert settings_names() == read | ONLY_FOR_DEV


def test_the_example_sets_nothing_by_itself() -> None:
    assert dotenv_values(ROOT / ".env.example") == {}


def test_a_secret_in_a_file_is_read_without_its_newline(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    secret = tmp_path / "secret_key"
    secret.write_text("a long secret\n")
    del environment["SECRET_KEY"]

    read = settings_in(environment | {"SECRET_KEY_FILE": str(secret)})

    assert read["SECRET_KEY"] == "a long secret"


@pytest.mark.parametrize(
    ("written", "level"),
    [("", "INFO"), ("info", "INFO"), ("Warning ", "WARNING"), ("DEBUG", "DEBUG")],
)
def test_log_level_is_written_in_any_case_or_left_empty(
    environment: dict[str, str], written: str, level: str
) -> None:
    read = settings_in(environment | {"LOG_LEVEL": written})

    assert read["LOGGING"]["root"]["level"] == level


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("SOURCE_URL", "", ""),
        ("ALLOWED_HOSTS", "a.example, LOCALHOST,", ["a.example", "LOCALHOST"]),
    ],
)
def test_values_that_name_nothing_are_taken_as_nothing(
    environment: dict[str, str], name: str, value: str, expected: object
) -> None:
    assert settings_in(environment | {name: value})[name] == expected


def test_an_empty_mail_catcher_is_none(environment: dict[str, str]) -> None:
    """`MAIL_CATCHER=` must not open /dev/inbox/ on the working directory."""
    assert settings_in(environment | {"MAIL_CATCHER": ""})["MAIL_CATCHER"] is None


def test_languages_are_named_in_their_own_words(environment: dict[str, str]) -> None:
    read = settings_in(environment | {"LANGUAGES": " en, es,ar,es"})

    assert read["LANGUAGES"] == [
        ("en", "English"),
        ("es", "español"),
        ("ar", "العربيّة"),
    ]


# --- Values that cannot be used --------------------------------------------------------------

SECRET = "s3cret"
BAD = [
    ("SITE_URL", f"{SECRET}.example.org"),
    ("SITE_URL", "ftp://notes.example.org"),
    ("SITE_URL", "https://"),
    ("SITE_URL", "https://["),
    ("SITE_URL", "https://notes.example.org:port"),
    ("SITE_URL", "https://notes.example.org:99999"),
    ("SITE_URL", "https://two words.example.org"),
    ("SITE_URL", "https://notes.example.org/path"),
    ("SITE_URL", f"https://user:{SECRET}@notes.example.org"),
    ("SITE_URL", ""),
    ("SOURCE_URL", "foo"),
    ("LEAVE_URL", "https://["),
    ("LEAVE_URL", "javascript:alert()"),
    ("LEAVE_URL", ""),
    ("BACKUP_DAYS", "-1"),
    ("BACKUP_DAYS", "a month"),
    ("DEBUG", "perhaps"),
    ("GUIDE_RELOAD", "perhaps"),
    ("DEBUG", ""),
    ("SECRET_KEY", ""),
    ("SECRET_KEY", None),
    ("ALLOWED_HOSTS", "https://notes.example.org"),
    ("ALLOWED_HOSTS", ""),
    ("ALLOWED_HOSTS", "*"),
    ("ALLOWED_HOSTS", "another.example.org"),
    ("ALLOWED_HOSTS", ".example.org,localhost.example.org"),
    ("DATABASE_URL", SECRET),
    ("DATABASE_URL", f"postgres://user:{SECRET}@[/name"),
    ("DATABASE_URL", f"postgres://user:{SECRET}@localhost:port/name"),
    ("DATABASE_URL", f"postgres://user:{SECRET}@localhost/"),
    ("DATABASE_URL", f"sqlite:///{SECRET}.sqlite3"),
    ("DATABASE_URL", f"mysql://user:{SECRET}@localhost/name"),
    ("DATABASE_URL", ""),
    ("DATABASE_URL", None),
    ("VAULT_KEYS", f"k1:{SECRET}"),
    ("VAULT_KEYS", SECRET),
    ("VAULT_KEYS", "k1:ключ"),
    ("VAULT_KEYS", f"{SECRET * 7}:{SECRET}"),
    ("VAULT_KEYS", f"{SECRET}\n:{SECRET}"),
    ("VAULT_KEYS", ""),
    ("VAULT_KEYS", None),
    ("LANGUAGES", "es"),
    ("LANGUAGES", "en,es,nowhere"),
    ("LANGUAGES", ""),
    ("REGISTRATION", "maybe"),
    ("REGISTRATION", ""),
    ("EMAIL_PORT", "abc"),
    ("EMAIL_PORT", "0"),
    ("EMAIL_PORT", "99999"),
    ("EMAIL_HOST", ""),
    ("EMAIL_HOST", f"smtp://{SECRET}"),
    ("EMAIL_HOST", f"{SECRET}.example.org:587"),
    ("EMAIL_HOST", "two words"),
    ("EMAIL_USE_TLS", "sometimes"),
    ("EMAIL_USE_SSL", "sometimes"),
    ("SITE_NAME", ""),
    ("SITE_NAME", "Paper\nBoat"),
    ("DISCREET_NAME", ""),
    ("DISCREET_NAME", "No\ntes"),
    ("DISCREET_NAME", "No\u2028tes"),
    ("DEFAULT_FROM_EMAIL", "nobody"),
    ("DEFAULT_FROM_EMAIL", ""),
    ("DEFAULT_FROM_EMAIL", "Notes, quiet <notes@example.org>"),
    ("DEFAULT_FROM_EMAIL", "No\ntes <notes@example.org>"),
    ("DEFAULT_FROM_EMAIL", "Notes <notes@"),
    ("DEFAULT_FROM_EMAIL", "a@b <notes@example.org>"),
    ("DEFAULT_FROM_EMAIL", "Notes: quiet <notes@example.org>"),
    ("DEFAULT_FROM_EMAIL", "a <a@example.org>, b <b@example.org>"),
    ("REDIS_URL", f"user:{SECRET}@localhost"),
    ("REDIS_URL", f"redis://user:{SECRET}@localhost:port/0"),
    ("REDIS_URL", "redis://localhost:6379/first"),
    ("REDIS_URL", ""),
    ("REDIS_URL", None),
    ("STATIC_ROOT", ""),
    ("PAGES_ROOT", ""),
    ("TRUSTED_PROXY_COUNT", "-1"),
    ("TRUSTED_PROXY_COUNT", "10"),
    ("TRUSTED_PROXY_COUNT", "one"),
    ("LOG_LEVEL", "loud"),
    ("DOTENV", f"/no/{SECRET}"),
    ("DOTENV", "/"),
    ("SECRET_KEY_FILE", f"/no/{SECRET}"),
    ("VAULT_KEYS_FILE", "/"),
    ("DATABASE_URL_FILE", f"{__file__}/{SECRET}"),
    ("EMAIL_HOST_PASSWORD_FILE", "{binary}"),
]
# Reads the settings once for each value, in one process: a process takes more than a second.
READ_EACH = """
import json, os, runpy, sys
given = dict(os.environ)
ends = []
for name, value in json.loads(sys.argv[1]):
    os.environ.clear()
    os.environ.update({**given, name: value} if value is not None else given)
    if value is None:
        del os.environ[name]
    try:
        runpy.run_module("config.settings")
        ends.append(None)
    except SystemExit as end:
        ends.append(end.code)
print(json.dumps(ends))
"""


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("secrets") / "binary"
    file.write_bytes(b"\xff" + SECRET.encode())
    return str(file)


def test_a_value_that_cannot_be_used_is_one_sentence_without_it(
    environment: dict[str, str], binary: str
) -> None:
    given = [(name, value and value.format(binary=binary)) for name, value in BAD]
    done = run([sys.executable, "-c", READ_EACH, json.dumps(given)], environment, cwd=ROOT)

    assert done.stderr == ""
    for (name, _), sentence in zip(given, json.loads(done.stdout), strict=True):
        assert re.fullmatch(rf"{name}[: ](?!.*\. ).+: .+\.", sentence), (name, sentence)
        assert SECRET not in sentence


def test_every_setting_that_has_a_format_is_tried_with_a_bad_value() -> None:
    settings = ast.parse((ROOT / "config" / "settings.py").read_text())
    names = names_read(settings) - names_read(settings, method="text")

    assert names == {name for name, _ in BAD if not name.endswith("_FILE")} - NAMES_THE_FILE


# A value of each, and the sentence.
SENTENCES = {
    "EMAIL_PORT": ("abc", "EMAIL_PORT is not valid: write a whole number, from 1 to 65535."),
    "DATABASE_URL": (
        f"postgres://user:{SECRET}@[/name",
        "DATABASE_URL is not valid: "
        "write an address such as postgres://user:password@localhost:5432/name.",
    ),
    "SECRET_KEY_FILE": (
        f"/no/{SECRET}",
        "SECRET_KEY_FILE cannot be read: it must be a text file that this program may open.",
    ),
}


@pytest.mark.parametrize(
    ("program", "name"),
    [
        (Program("python manage.py migrate"), "EMAIL_PORT"),
        (WEB, "DATABASE_URL"),
        (WEB, "SECRET_KEY_FILE"),
        (WORKER, "DATABASE_URL"),
        (BEAT, "SECRET_KEY_FILE"),
    ],
    ids=["manage.py", "gunicorn", "gunicorn's file", "worker", "beat"],
)
def test_program_ends_with_that_sentence_and_nothing_else(
    environment: dict[str, str], program: Program, name: str
) -> None:
    value, sentence = SENTENCES[name]
    command = [sys.executable, *program.command.split()[1:]]

    done = run(command, environment | {name: value}, cwd=ROOT)

    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{sentence}\n")


def test_settings_file_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DOTENV", raising=False)
    (tmp_path / ".env").write_bytes(b"\xff")

    with pytest.raises(SystemExit) as ended:
        Environment(tmp_path / ".env")

    assert ended.value.code == (
        f"{tmp_path}/.env cannot be read: it must be a text file that this program may open."
    )
