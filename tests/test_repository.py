"""What must be true of everything in this repository."""

import ast
import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.db import models

from accounts.models import Activity
from vault.models import Key, Sealed
from vault.sessions import Session

ROOT = Path(settings.BASE_DIR)
ROOMS = [
    "operations",
    "home",
    "reminders",
    "pause",
    "healing",
    "journal",
    "accounts",
    "safety",
    "mail",
    "vault",
]
# Columns of words that anyone with the database can read, each with the reason it may be.
READABLE = {
    "accounts.User.email": "the address itself",
    "accounts.User.password": "a hash",
    "accounts.User.language": "a code from a list",
    "accounts.User.time_zone": "a name from a list",
    "accounts.Activity.kind": "one of ten words",
    "accounts.Activity.device": "the kind of a browser, put together by us",
    "accounts.User.consent_version": "a constant of ours",
    "healing.Answer.exercise": "the key of an exercise, from the guide",
    "healing.Answer.version": "a hash of the exercise's wording",
    "healing.Draft.exercise": "the key of an exercise, from the guide",
    "healing.StepMark.state": "one of two words",
    "journal.Letter.kind": "one of six words, or nothing",
    "journal.Letter.state": "one of five words",
    "journal.Letter.let_go_from": "one of them",
    "journal.Opening.kind": "one of six words",
    "mail.Message.kind": "the name of a kind",
    "mail.Message.key": "a kind, an id and a date",
    "mail.Message.state": "one of six words",
    "mail.Message.reason": "a word of ours",
    "mail.Message.refusal": "one of seven phrases of ours",
    "mail.Message.reply": "codes of a relay, or the type of an error",
    "mail.Heartbeat.name": "the name of a task",
    "reminders.Schedule.rhythm": "one of the rhythms",
    "reminders.Schedule.stop_reason": "one of two phrases of ours",
    "reminders.Schedule.token": "random",
    "vault.UsedName.name": "the name of a master key",
    "vault.UsedName.fingerprint": "a hash of that key",
    "vault.Key.kek": "the name of a master key",
    "vault.Key.fingerprint": "a hash of that key",
    "vault.Session.session_key": "random, and useless without a signature",
    "vault.Session.session_data": "sealed by the master key",
}
MACHINE_PATH = re.compile(r"(?:^|[^\w./])/(?:work|root|farm|home/\w+)/")
PRODUCT_NAME = "Paper " + "Boat"


def our_models() -> Iterator[type[models.Model]]:
    for room in ROOMS:
        yield from apps.get_app_config(room).get_models()


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_everything_of_a_person_goes_with_them() -> None:
    to_a_person = [
        field
        for model in our_models()
        for field in model._meta.get_fields()
        if isinstance(field, models.ForeignKey) and field.related_model is not None
        if field.related_model._meta.label == "accounts.User"
    ]

    assert len(to_a_person) >= 6
    assert {field.remote_field.on_delete for field in to_a_person} == {models.CASCADE}


def test_no_column_of_readable_words_is_without_a_reason() -> None:
    found = {
        f"{model._meta.label}.{field.name}"
        for model in our_models()
        for field in model._meta.get_fields()
        if isinstance(field, models.CharField | models.TextField | models.JSONField)
    }

    assert found == set(READABLE)


def test_what_is_sealed_has_a_purpose_of_its_own_and_a_frozen_vector() -> None:
    purposes = Counter(model.purpose for model in our_models() if issubclass(model, Sealed))
    vectors = json.loads((ROOT / "tests/vault/vectors/v1.json").read_text())

    assert set(purposes.values()) == {1}
    assert set(purposes) == {vector["purpose"] for vector in vectors["person"]}


def test_nothing_that_people_write_is_in_the_admin() -> None:
    private = {model for model in our_models() if issubclass(model, Sealed)}
    private |= {Key, Session, Activity, Authenticator}

    assert private.isdisjoint(admin.site._registry)


def test_no_row_shows_what_a_person_wrote() -> None:
    for model in our_models():
        if issubclass(model, Sealed):
            row = model()
            assert str(row) == f"{model._meta.model_name} {row.pk}"


def test_every_mail_has_a_subject_and_both_parts() -> None:
    parts = {"subject.txt", "body.txt", "body.html"}
    folders = {path.parent for path in ROOT.glob("templates/**/subject.txt")}

    assert len(folders) >= 7
    for folder in folders:
        assert {path.name for path in folder.iterdir()} == parts


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in tracked("*.py")
        if not {"migrations", "tests"} & set(path.relative_to(ROOT).parts)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (node.end_lineno or 0) - node.lineno + 1 > 40
    ]

    assert long == []


def test_no_path_of_a_machine_is_in_the_repository() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()[:80]}"
        for path in tracked()
        if path != Path(__file__) and "vendor" not in path.parts
        for line in _lines(path)
        if MACHINE_PATH.search(line)
    ]

    assert found == []


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        # A picture or a font.
        return []


def test_no_file_is_named_for_nothing_in_particular() -> None:
    names = {"utils", "util", "common", "core", "helpers", "helper", "misc"}
    code = tracked("*.py", "*.html", "*.js", "*.css", "*.sh")

    assert [path for path in code if names & {path.stem, *path.relative_to(ROOT).parts}] == []


def test_tests_share_only_what_is_in_support_or_in_their_own_folder() -> None:
    """A test module, or a conftest of another folder, is nobody's to import from."""
    found = [
        f"{path.relative_to(ROOT)} imports from {module}"
        for path in tracked("tests/*.py")
        for module in _imports(path)
        if module.startswith("tests.")
        if _is_test(module) or (_is_conftest(module) and not _is_beside(module, path))
    ]

    assert found == []


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)
        elif isinstance(node, ast.Import):
            yield from (each.name for each in node.names)


def _is_test(module: str) -> bool:
    file = ROOT / f"{module.replace('.', '/')}.py"
    return file.name.startswith("test_") and file.is_file()


def _is_conftest(module: str) -> bool:
    return module.endswith(".conftest")


def _is_beside(module: str, path: Path) -> bool:
    return (ROOT / module.replace(".", "/")).parent == path.parent


def test_product_is_named_by_its_setting() -> None:
    """Nothing outside the settings, the guide and the documentation knows what it is called."""
    named = [
        str(path.relative_to(ROOT))
        for path in tracked("*.py", "templates/*", "static/js/*", "static/css/*")
        if "tests" not in path.relative_to(ROOT).parts and PRODUCT_NAME in path.read_text()
    ]

    assert named == ["config/settings.py"]


def test_server_installs_what_was_tried() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^([\w.-]+==\S+)", (ROOT / name).read_text(), re.MULTILINE))

    assert pins("requirements-server.lock")
    assert pins("requirements-server.lock") <= pins("requirements.lock")


def test_passwords_are_hashed_by_argon2() -> None:
    text = (ROOT / "config/settings.py").read_text()
    hashers = re.search(r"PASSWORD_HASHERS = \[\s*\"([\w.]+)\"", text)

    assert hashers
    assert hashers[1] == "django.contrib.auth.hashers.Argon2PasswordHasher"


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_commands_of_the_documentation_exist(page: str) -> None:
    verbs = set(re.findall(r"\./dev (\w+)", (ROOT / page).read_text()))
    known = set(re.findall(r"^\./dev (\w+)", (ROOT / "dev").read_text(), re.MULTILINE))

    assert {"run", "test"} <= verbs
    assert verbs <= known


def test_every_test_that_the_docs_name_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", (ROOT / "docs/security.md").read_text())

    assert len(named) > 60
    missing = [
        (file, test)
        for file, test in named
        if not (ROOT / file).is_file() or (test and f"def {test}(" not in (ROOT / file).read_text())
    ]
    assert missing == []


def test_every_decision_is_named_by_a_module_that_it_explains() -> None:
    """As “ADR 24”, in a docstring or a comment."""
    decisions = {int(path.name[:4]): path.name for path in ROOT.glob("docs/adr/[0-9]*.md")}
    modules = tracked("*.py", "*.js", "*.css", "dev", "Dockerfile", "docker-compose.yml")
    named = {
        int(number)
        for path in modules
        if path != Path(__file__)
        for number in re.findall(r"\bADR (\d+)\b", path.read_text())
    }

    assert sorted(named - decisions.keys()) == []
    assert [name for number, name in sorted(decisions.items()) if number not in named] == []
