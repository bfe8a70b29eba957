"""Values of a session whose entries end before the session does (ADR 18).

Such a value is a dictionary, the oldest entry first: key → (when it ends, what it holds).
"""

from datetime import UTC, datetime
from typing import Any

from django.contrib.sessions.backends.base import SessionBase

Entries = dict[str, tuple[float, str]]

# A session, or what one contains.
Contents = SessionBase | dict[str, Any]

_names: set[str] = set()


def register(name: str) -> None:
    """Let the entries under this session key expire. Called once the apps are ready."""
    _names.add(name)


def current(contents: Contents, name: str, *, now: datetime) -> Entries:
    """Return the entries that have not ended."""
    entries: Entries = contents.get(name, {})
    return {key: entry for key, entry in entries.items() if entry[0] > now.timestamp()}


def values(contents: Contents) -> dict[str, Entries]:
    """Return every value whose entries expire."""
    return {name: contents[name] for name in _names if name in contents}


def drop_expired(contents: Contents, *, now: datetime) -> None:
    for name in _names:
        entries = current(contents, name, now=now)
        if not entries:
            contents.pop(name, None)
        elif len(entries) < len(contents[name]):
            contents[name] = entries


def next_end(contents: Contents) -> datetime | None:
    """Return when the first of all entries ends."""
    ends = [entry[0] for name in _names for entry in contents.get(name, {}).values()]
    return datetime.fromtimestamp(min(ends), UTC) if ends else None
