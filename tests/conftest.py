"""Markers, the order of the suite, and how it is shared between processes.

Fixtures that several folders use are in tests/support. No test depends on the wall clock or on the
outside world (ADR 15).
"""

import gc
import os
from pathlib import Path

import hypothesis
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

pytest_plugins = [
    "tests.support.browser",
    "tests.support.database",
    "tests.support.environment",
    "tests.support.every_page",
    "tests.support.gunicorn_server",
    "tests.support.invented_languages",
    "tests.support.people",
    "tests.support.smtp",
    "tests.support.static_files",
]

MARKERS = {
    "browser": "drives Chromium",
    "back_forward_cache": "needs a browser that restores pages from memory",
    "engines": "drives Firefox or WebKitGTK",
    "faults": "breaks parts of the running product",
    "bench": "measures, or tests what measures",
    "pictures": "takes screenshots of the running product",
    "last": "looks at what all other tests have left on the disk",
}
DATABASES = ["default", "cache"]

# The same examples each time, and no time limit.
hypothesis.settings.register_profile("suite", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("suite")


def pytest_configure(config: pytest.Config) -> None:
    # Nothing that collecting makes is garbage.
    gc.disable()
    for name, meaning in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        _mark_folder(item)
        _allow_both_databases(item)
        _skip_where_impossible(item)
    items.sort(key=_turn)


def pytest_collection_finish() -> None:
    # What is loaded now stays until the end: looking through it for garbage again and again takes
    # an eighth of the suite's processor time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def pytest_runtestloop() -> None:
    # Here, because the process that shares the tests out collects none.
    gc.enable()


def _mark_folder(item: pytest.Item) -> None:
    """Mark what is in tests/faults, tests/bench and tests/engines by the name of the folder."""
    folder = Path(item.nodeid).parts[1]
    if folder in {"faults", "bench", "engines"}:
        item.add_marker(folder)


def _allow_both_databases(item: pytest.Item) -> None:
    """A test that may use the database may also use it by the cache's connection."""
    marker = item.get_closest_marker("django_db")
    fixtures = getattr(item, "fixturenames", ())
    if marker or {"db", "transactional_db"} & set(fixtures):
        named = marker.kwargs if marker else {}
        transaction = {"transaction": True} if "transactional_db" in fixtures else {}
        databases = named | transaction | {"databases": DATABASES}
        item.add_marker(pytest.mark.django_db(**databases), append=False)


def _skip_where_impossible(item: pytest.Item) -> None:
    # `./dev test` says so where there is no browser, and fails where CI is set.
    if os.environ.get("PAPER_BOAT_NO_BROWSER") and item.get_closest_marker("browser"):
        item.add_marker(pytest.mark.skip(reason="NOT RUN: there is no Chromium here"))
    # `./dev test` runs these when the processes that share the suite are done.
    if "PYTEST_XDIST_WORKER" in os.environ and item.get_closest_marker("last"):
        item.add_marker(pytest.mark.skip(reason="NOT RUN: other tests may still be running"))


# Each is given to one process as a whole: its tests share a running product, or browsers.
FOLDERS = ["tests/faults/", "tests/journeys/", "tests/engines/"]
# Files that take a while, most of them because they start programs.
LONG = ["tests/local/", "tests/config/test_logs.py", "tests/adversarial/"]


def _turn(item: pytest.Item) -> int:
    """Return the sort key: the longest tests first, because started at the end they would keep the
    other processes waiting; tests that inspect what all others have left come last."""
    if item.get_closest_marker("last"):
        return 9
    if item.nodeid.startswith(tuple(FOLDERS)):
        return 0
    is_long = item.get_closest_marker("browser") or item.get_closest_marker("bench")
    return 1 if is_long or item.nodeid.startswith(tuple(LONG)) else 2


class FilesAndFolders(LoadFileScheduling):
    """Share the suite file by file, but a folder of FOLDERS as one piece, in the order of items."""

    def _split_scope(self, nodeid: str) -> str:
        folders = (name for name in FOLDERS if nodeid.startswith(name))
        return next(folders, super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FilesAndFolders:
    # By default xdist starts with the file that has the most tests.
    config.option.loadscopereorder = False
    return FilesAndFolders(config, log)
