"""How `./dev test` shares the suite between processes."""

from pathlib import Path

import pytest

from local.pytest_runs import are_compiled, processes, runs_of_pytest

N = str(processes())


@pytest.mark.parametrize(
    "arguments",
    [
        ["tests/mail"],
        ["-q", "tests/mail"],
        ["tests/mail/test_actions.py::test_x"],
        ["-k", "claim"],
        ["--lf"],
    ],
)
def test_what_is_named_runs_in_one_process(arguments: list[str]) -> None:
    assert runs_of_pytest(arguments) == [arguments]


@pytest.mark.parametrize("arguments", [[], ["-q"], ["-x", "--durations=9"]])
def test_whole_suite_is_shared_and_then_swept(arguments: list[str]) -> None:
    shared, sweep = runs_of_pytest(arguments)

    assert shared == ["-n", N, "--reuse-db", "-m", "not last", *arguments]
    assert sweep == ["tests/test_sweep.py", *arguments]


def test_part_of_the_suite_that_a_marker_selects_is_shared() -> None:
    """The later `-m` is the one that counts."""
    arguments = ["-m", "not faults"]

    assert runs_of_pytest(arguments) == [
        ["-n", N, "--reuse-db", "-m", "not last", "-m", "not faults"]
    ]


@pytest.mark.parametrize(("cores", "count"), [(None, 2), (1, 2), (2, 4), (64, 8)])
def test_two_processes_for_each_core_but_at_most_eight(
    monkeypatch: pytest.MonkeyPatch, cores: int | None, count: int
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: cores)

    assert processes() == count


def test_tests_are_compiled_once_pytest_has_compiled_each(tmp_path: Path) -> None:
    cache = tmp_path / "mail/__pycache__"
    cache.mkdir(parents=True)
    for name in ("test_one", "test_two"):
        (tmp_path / "mail" / f"{name}.py").touch()
        # Python's own, which has the assertions as they were written.
        (cache / f"{name}.cpython-313.pyc").touch()
        assert not are_compiled(tmp_path)
        (cache / f"{name}.cpython-313-pytest-9.0.0.pyc").touch()

    assert are_compiled(tmp_path)
