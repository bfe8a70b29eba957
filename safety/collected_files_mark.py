"""Whether what collectstatic makes is there, of this version, and served by this process (ADR 11).

Collected files and help pages are read when a process starts. If they are made later, or for
another version, pages have no styles, while everything on the disk looks right.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import ManifestFilesMixin

from safety import help_pages
from safety.context_processors import site
from safety.helplines import FOLDER

NOT_COLLECTED = "not collected"
OTHER_VERSION = "collected by another version, or with other settings"
COLLECTED_LATER = "collected after this process had started"


def problem() -> str:
    """Say what is wrong with them, or return an empty text. Reads the disk each time."""
    mark = read_mark()
    if not mark or not _are_complete():
        return NOT_COLLECTED
    if mark != expected_mark():
        return OTHER_VERSION
    return "" if mark == mark_at_start() else COLLECTED_LATER


def write_mark() -> None:
    """Call this last: what is interrupted has no mark."""
    _mark_file().write_text(expected_mark(), encoding="utf-8")


def remove_mark() -> None:
    _mark_file().unlink(missing_ok=True)


def read_mark() -> str:
    with suppress(OSError):
        return _mark_file().read_text(encoding="utf-8")
    return ""


@cache
def mark_at_start() -> str:
    """Return the mark that this process found. Call it before the files are read."""
    # A running process stays the version that it was, whatever happens to the files of its code.
    _sources()
    return read_mark()


def expected_mark() -> str:
    """Name what this version makes with these settings."""
    shown = repr([*sorted(site(None).items()), settings.LANGUAGES])
    return hashlib.sha256(f"{_sources()}{shown}".encode()).hexdigest()


def _mark_file() -> Path:
    return Path(settings.PAGES_ROOT, "collected")


def _are_complete() -> bool:
    root = Path(settings.STATIC_ROOT)
    try:
        manifest = json.loads((root / ManifestFilesMixin.manifest_name).read_bytes())
        files = [root / name for name in manifest["paths"].values()]
    except (OSError, ValueError, KeyError):
        return False
    languages = [code for code, _name in settings.LANGUAGES]
    files += [
        help_pages.file(path, language=code) for path in help_pages.paths() for code in languages
    ]
    return all(file.is_file() for file in files)


@cache
def _sources() -> str:
    """Hash what is collected, and what help pages are made of."""
    found = hashlib.sha256()
    for name, content in sorted(_read_sources()):
        found.update(f"{name}\0{len(content)}\0".encode() + content)
    return found.hexdigest()


def _read_sources() -> Iterator[tuple[str, bytes]]:
    for name, file in _source_files():
        # A link that leads nowhere must not keep the web server from starting.
        with suppress(OSError):
            yield name, file.read_bytes()


def _source_files() -> Iterator[tuple[str, Path]]:
    for finder in get_finders():
        for name, storage in finder.list([]):
            yield name, Path(storage.path(name))
    for folder in (settings.BASE_DIR / "templates", FOLDER):
        for file in filter(Path.is_file, folder.rglob("*")):
            yield str(file.relative_to(folder)), file
    for folder in settings.LOCALE_PATHS:
        for file in Path(folder).rglob("*.mo"):
            yield str(file.relative_to(folder)), file
