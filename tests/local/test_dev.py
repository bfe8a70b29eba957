"""The door itself: what `./dev` does before anything of ours is installed."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local.__main__ import VERBS
from local.folder import ROOT
from tests.support.dev_command import run

BASH = str(shutil.which("bash"))
PYTHON = shlex.quote(sys.executable)
# Stands where local/__main__.py would, and tells what was handed over and from where.
NEXT = "import os, sys; print(*sys.argv[1:], sep='|'); print(os.getcwd()); sys.exit(7)"


def build(folder: Path) -> Path:
    """A fresh clone, as far as the door is concerned, that needs no packages."""
    house = folder / "a house; with a “door” & 100%s of spaces" / ("very long " * 12).strip()
    (house / "local").mkdir(parents=True)
    shutil.copy(ROOT / "dev", house)
    (house / "local" / "__main__.py").write_text(NEXT)
    (house / "requirements.lock").write_text("")
    return house


@pytest.fixture
def house(tmp_path: Path) -> Path:
    return build(tmp_path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A house that was entered once, where only the second Python found is new enough."""
    folder = tmp_path_factory.mktemp("made")
    house = build(folder)
    pythons = {"python3": "exit 1", "python3.12": f'exec {PYTHON} "$@"'}
    return house, dev(house, tools(folder / "bin", **pythons), "check")


@pytest.fixture
def entered(made: tuple[Path, subprocess.CompletedProcess[str]], house: Path) -> Path:
    """A house of its own that was entered before."""
    shutil.copytree(made[0] / ".venv", house / ".venv", symlinks=True)
    return house


def tools(folder: Path, **pythons: str) -> dict[str, str]:
    """An environment with nothing on PATH but what the door needs, and these Pythons."""
    folder.mkdir()
    for name in ("cat", "cp", "dirname", "rm"):
        (folder / name).symlink_to(str(shutil.which(name)))
    for name, script in pythons.items():
        (folder / name).write_text(f"#!{BASH}\n{script}\n")
        (folder / name).chmod(0o755)
    return {"PATH": str(folder), "HOME": str(folder)}


def dev(
    house: Path, environment: dict[str, str], *arguments: str, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    command = [BASH, str(house / "dev"), *arguments]
    return run(command, environment, cwd=cwd or house)


def test_alone_it_lists_its_verbs() -> None:
    listed = run([str(ROOT / "dev")], dict(os.environ), cwd=Path("/"))

    assert (listed.returncode, listed.stderr) == (0, "")
    assert re.findall(r"^\./dev (\w+)", listed.stdout, re.MULTILINE) == list(VERBS)


def test_a_verb_it_does_not_know_is_said(house: Path, tmp_path: Path) -> None:
    refused = dev(house, tools(tmp_path / "bin"), "dance")

    assert refused.returncode == 2
    assert refused.stderr.startswith("./dev does not know “dance”. It knows:\n./dev run")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_handed_over_with_its_words(
    verb: str, house: Path, bare: dict[str, str]
) -> None:
    pretend_it_is_set_up(house)
    handed = dev(house, bare, verb, "two words", "*", cwd=Path("/"))

    assert handed.stdout.splitlines() == [f"{verb}|two words|*", str(house)]
    assert (handed.returncode, handed.stderr) == (7, "")


def pretend_it_is_set_up(house: Path) -> None:
    (house / ".venv" / "bin").mkdir(parents=True)
    (house / ".venv" / "bin" / "python").symlink_to(sys.executable)
    shutil.copy(house / "requirements.lock", house / ".venv" / "installed.lock")


def test_an_old_python_is_said_in_one_sentence(house: Path, tmp_path: Path) -> None:
    refused = dev(house, tools(tmp_path / "bin", python3="exit 1"), "run")

    assert refused.returncode == 1
    assert refused.stderr.startswith("Python 3.11 or newer is needed and none was found: install")
    assert refused.stderr.count("\n") == 1
    assert not (house / ".venv").exists()


def test_a_python_without_venv_is_said_in_one_sentence(house: Path, tmp_path: Path) -> None:
    script = f'case "$2" in *ensurepip*) exit 1;; *) exec {PYTHON} "$@";; esac'
    refused = dev(house, tools(tmp_path / "bin", python3=script), "run")

    assert refused.returncode == 1
    assert refused.stderr.startswith("This Python has no venv module: install it")
    assert refused.stderr.count("\n") == 1


def test_a_newer_python_beside_an_old_one_is_found(
    made: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    house, first = made

    assert first.returncode == 7, first.stderr
    assert first.stderr.startswith("Installing what requirements.lock names into .venv")
    assert first.stderr.count("\n") == 1
    assert (house / ".venv" / "installed.lock").read_text() == ""


def test_packages_are_installed_again_only_when_they_change(
    entered: Path, bare: dict[str, str]
) -> None:
    again = dev(entered, bare, "check")
    (entered / "requirements.lock").write_text("# changed, and still nothing to install\n")
    changed = dev(entered, bare, "check")
    after = dev(entered, bare, "check")

    assert [again.stderr, after.stderr] == ["", ""]
    assert changed.stderr.startswith("Installing what requirements.lock names into .venv")
    assert [entry.returncode for entry in (again, changed, after)] == [7, 7, 7]


def test_a_venv_that_was_interrupted_is_made_anew(house: Path, bare: dict[str, str]) -> None:
    half = house / ".venv" / "bin" / "python"
    half.parent.mkdir(parents=True)
    half.symlink_to("/no/such/python")

    assert dev(house, bare, "check").returncode == 7
    assert subprocess.run([half, "-c", ""], check=False).returncode == 0


def test_a_package_without_its_hash_is_refused(entered: Path, bare: dict[str, str]) -> None:
    (entered / "requirements.lock").write_text("a-package-without-a-hash==1\n")

    refused = dev(entered, bare | {"PIP_NO_INDEX": "1"}, "check")

    assert refused.returncode == 1
    assert "could not be installed: see above" in refused.stderr
    assert not (entered / ".venv" / "installed.lock").exists()
