"""Runs behind everything else: what the suite wrote in other people's names is on no disk.

`./dev test` starts it when all others have ended; their databases are still there then.

Thousands of letters, answers and names went through real servers, logs and mails by then. What is
sealed lies in Postgres's own files, so those are read too, as a thief would.
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
# Written by the suite where it may be read: what finds this would find the others too.
READABLE = b"alice@example.org"
# The suite's own text, copied about by tests of the launcher.
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
    """Where this run's servers keep their data and logs, with every temporary file in it. On
    servers that were running before, only what the tests themselves have left."""
    return run_folder() or tmp_path_factory.getbasetemp()


@pytest.mark.last
def test_no_private_word_is_left_on_the_disk(folder: Path) -> None:
    files = list(left_behind(folder))

    assert any(found_in(path, [READABLE]) for path in files)
    assert {path: words for path in files if (words := found_in(path, PRIVATE))} == {}


@pytest.mark.last
def test_no_private_word_is_left_in_redis() -> None:
    with redis.from_url(settings.REDIS_URL) as client:
        held = [client.dump(key) or b"" for key in client.scan_iter()]

    assert not [word for word in PRIVATE for value in held if word in value]
