"""The bash file `dev`: what it does before anything is installed."""

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from local.__main__ import VERBS
from local.folder import ROOT
from tests.support.dev_command import run

Ran = subprocess.CompletedProcess[str]
BASH = str(shutil.which("bash"))
PYTHON = shlex.quote(sys.executable)
MAKING = "The first start takes one to four minutes. Making .venv …\n"
INSTALLING = "Installing what requirements.lock names into .venv …\n"
# In place of local/__main__.py: print the arguments and the working directory.
MAIN = "import os, sys; print(*sys.argv[1:], sep='|'); print(os.getcwd()); sys.exit(7)"


def build(folder: Path) -> Path:
    """Return a fresh checkout with the files that `dev` reads, and no packages to install."""
    checkout = folder / "a folder; with “quotes” & 100%s of spaces" / ("very long " * 12).strip()
    (checkout / "local").mkdir(parents=True)
    shutil.copy(ROOT / "dev", checkout)
    (checkout / "local" / "__main__.py").write_text(MAIN)
    (checkout / "requirements.lock").write_text("")
    return checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return build(tmp_path)


@pytest.fixture(scope="module")
def first_run(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, Ran]:
    """A checkout and its first run, in which only the second Python found is new enough."""
    folder = tmp_path_factory.mktemp("first")
    checkout = build(folder)
    pythons = {"python3": "exit 1", "python3.12": f'exec {PYTHON} "$@"'}
    return checkout, dev(checkout, tools(folder / "bin", **pythons), "check")


@pytest.fixture
def installed(first_run: tuple[Path, Ran], checkout: Path) -> Path:
    """A checkout with its .venv."""
    shutil.copytree(first_run[0] / ".venv", checkout / ".venv", symlinks=True)
    return checkout


def tools(folder: Path, **pythons: str) -> dict[str, str]:
    """Return an environment whose PATH has only what `dev` needs, and these Pythons."""
    folder.mkdir()
    for name in ("cat", "cp", "dirname", "rm"):
        (folder / name).symlink_to(str(shutil.which(name)))
    for name, script in pythons.items():
        (folder / name).write_text(f"#!{BASH}\n{script}\n")
        (folder / name).chmod(0o755)
    return {"PATH": str(folder), "HOME": str(folder)}


def dev(
    checkout: Path, environment: dict[str, str], *arguments: str, cwd: Path | None = None
) -> Ran:
    command = [BASH, str(checkout / "dev"), *arguments]
    return run(command, environment, cwd=cwd or checkout)


def test_without_a_verb_dev_lists_them() -> None:
    listed = run([str(ROOT / "dev")], dict(os.environ), cwd=Path("/"))

    assert (listed.returncode, listed.stderr) == (0, "")
    assert re.findall(r"^\./dev (\w+)", listed.stdout, re.MULTILINE) == list(VERBS)


def test_an_unknown_verb_is_refused(checkout: Path, tmp_path: Path) -> None:
    refused = dev(checkout, tools(tmp_path / "bin"), "dance")

    assert refused.returncode == 2
    assert refused.stderr.startswith("./dev does not know “dance”. It knows:\n./dev run")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_passed_on_with_its_arguments(
    verb: str, checkout: Path, clean_env: dict[str, str]
) -> None:
    pretend_to_install(checkout)
    passed = dev(checkout, clean_env, verb, "two words", "*", cwd=Path("/"))

    assert passed.stdout.splitlines() == [f"{verb}|two words|*", str(checkout)]
    assert (passed.returncode, passed.stderr) == (7, "")


def pretend_to_install(checkout: Path) -> None:
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "bin" / "python").symlink_to(sys.executable)
    shutil.copy(checkout / "requirements.lock", checkout / ".venv" / "installed.lock")


def test_an_old_python_is_one_sentence(checkout: Path, tmp_path: Path) -> None:
    refused = dev(checkout, tools(tmp_path / "bin", python3="exit 1"), "run")

    assert refused.returncode == 1
    assert refused.stderr.startswith("Python 3.11 or newer is needed and none was found: install")
    assert refused.stderr.count("\n") == 1
    assert not (checkout / ".venv").exists()


def test_a_python_without_venv_is_one_sentence(checkout: Path, tmp_path: Path) -> None:
    script = f'case "$2" in *ensurepip*) exit 1;; *) exec {PYTHON} "$@";; esac'
    refused = dev(checkout, tools(tmp_path / "bin", python3=script), "run")

    assert refused.returncode == 1
    assert refused.stderr.startswith("This Python has no venv module: install it")
    assert refused.stderr.count("\n") == 1


def test_a_newer_python_beside_an_old_one_is_found(
    first_run: tuple[Path, Ran],
) -> None:
    checkout, first = first_run

    assert first.returncode == 7, first.stderr
    assert first.stderr == f"{MAKING}{INSTALLING}"
    assert (checkout / ".venv" / "installed.lock").read_text() == ""


def test_packages_are_installed_again_only_when_they_change(
    installed: Path, clean_env: dict[str, str]
) -> None:
    again = dev(installed, clean_env, "check")
    (installed / "requirements.lock").write_text("# changed, and still nothing to install\n")
    changed = dev(installed, clean_env, "check")
    after = dev(installed, clean_env, "check")

    assert [again.stderr, after.stderr] == ["", ""]
    assert changed.stderr == INSTALLING
    assert [each.returncode for each in (again, changed, after)] == [7, 7, 7]


def test_an_interrupted_venv_is_made_again(
    first_run: tuple[Path, Ran], checkout: Path, tmp_path: Path
) -> None:
    half = checkout / ".venv" / "bin" / "python"
    half.parent.mkdir(parents=True)
    half.symlink_to("/no/such/python")
    # Copies a .venv in place of making one, which takes ten times as long. What is left of the old
    # one would stay: `cp` would put the new one into it.
    made = shlex.quote(str(first_run[0] / ".venv"))
    copy = f'case "$2" in venv) exec cp -R {made} "$3";; *) exec {PYTHON} "$@";; esac'

    again = dev(checkout, tools(tmp_path / "bin", python3=copy), "check")

    assert (again.returncode, again.stderr) == (7, f"{MAKING}{INSTALLING}")
    assert subprocess.run([half, "-c", ""], check=False).returncode == 0


def test_a_package_without_its_hash_is_refused(installed: Path, clean_env: dict[str, str]) -> None:
    (installed / "requirements.lock").write_text("a-package-without-a-hash==1\n")

    refused = dev(installed, clean_env | {"PIP_NO_INDEX": "1"}, "check")

    assert refused.returncode == 1
    assert "could not be installed: see above" in refused.stderr
    assert not (installed / ".venv" / "installed.lock").exists()


def test_installing_shows_a_dot_for_each_package(
    installed: Path, clean_env: dict[str, str], tmp_path: Path
) -> None:
    lines = [wheel(tmp_path, name) for name in ("boat", "paper")]
    (installed / "requirements.lock").write_text("".join(lines))

    local_only = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)}
    installing = dev(installed, clean_env | local_only, "check")

    assert installing.returncode == 7
    assert installing.stderr == f"{INSTALLING}..\nUnpacking …\n"


def wheel(folder: Path, name: str) -> str:
    """Make an empty package, and return its line of requirements.lock."""
    file = folder / f"{name}-1-py3-none-any.whl"
    metadata = {
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n",
        "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }
    with zipfile.ZipFile(file, "w") as archive:
        for part, text in metadata.items():
            archive.writestr(f"{name}-1.dist-info/{part}", text)
    return f"{name}==1 --hash=sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}\n"
