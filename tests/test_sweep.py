"""Nothing that the suite wrote in people's names is readable on the disk.

`./dev test` runs this last, when the other tests have ended and their databases are still there.
By then thousands of letters, answers and names went through real servers, logs and mails.
Postgres's own files are searched too, as a thief would.
"""

import mmap
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from django.conf import settings

from tests.support.private_words import CANARIES, JOURNEY
from tests.support.run_folder import run_folder

PRIVATE = [word.encode() for word in (*CANARIES, *JOURNEY)]
# Stored as plain text: a search that finds this would find the private words too.
READABLE = b"alice@example.org"
# Copies of the suite itself, made by tests of the launcher.
SOURCES = {".py", ".pyc"}


def left_behind(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.suffix not in SOURCES:
            yield path


def found_in(path: Path, words: list[bytes]) -> list[bytes]:
    if not path.stat().st_size:
        return []
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
        return [word for word in words if whole.find(word) >= 0]


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All data, logs and temporary files of this run. If pytest was started on servers that were
    already running, only the temporary files of the tests."""
    return run_folder() or tmp_path_factory.getbasetemp()


@pytest.mark.last
def test_no_private_word_is_left_on_the_disk(folder: Path) -> None:
    files = list(left_behind(folder))

    assert any(found_in(path, [READABLE]) for path in files)
    assert {path: words for path in files if (words := found_in(path, PRIVATE))} == {}


@pytest.mark.last
def test_no_private_word_is_left_in_redis() -> None:
    with redis.from_url(settings.REDIS_URL) as client:
        values = [client.dump(key) or b"" for key in client.scan_iter()]

    assert not [word for word in PRIVATE for value in values if word in value]
