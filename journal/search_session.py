"""Keep somebody's latest searches in their session, so that Back shows the results again (ADR 18).

The address of the results is a random name, because words must not be in an address. The words are
sealed under the person's key: the session around them is sealed by the master key only, and a copy
of it would still open after the account is erased.
"""

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.contrib.sessions.backends.base import SessionBase

from accounts.models import User
from journal.search import Position
from vault.expiring_session_entries import current
from vault.sealing import CannotOpen, pack, unpack

SESSION_KEY = "searches"
PURPOSE = "journal.search"
# Long enough to read a letter that was found.
SEARCHES_LAST = timedelta(minutes=30)
MAX_SEARCHES = 8


@dataclass(frozen=True)
class Search:
    text: str
    # Where the search before it stopped.
    after: Position | None = None


def save_search(session: SessionBase, person: User, search: Search, *, now: datetime) -> UUID:
    """Return the name that it is saved under. Raises CannotOpen if their key cannot be opened."""
    name = uuid4()
    after = search.after and [search.after[0].isoformat(), str(search.after[1])]
    sealed = person.key.seal(PURPOSE, name, pack({"text": search.text, "after": after}))
    kept = list(current(session, SESSION_KEY, now=now).items())[1 - MAX_SEARCHES :]
    ends_at = (now + SEARCHES_LAST).timestamp()
    added = (str(name), (ends_at, base64.b64encode(sealed).decode()))
    session[SESSION_KEY] = dict([*kept, added])
    return name


def load_search(session: SessionBase, person: User, name: UUID, *, now: datetime) -> Search | None:
    """Return the search of this name, or None if it is too old or was never saved here.

    Raises CannotOpen if the person's key cannot be opened.
    """
    key, recent = person.key, current(session, SESSION_KEY, now=now)
    if str(name) not in recent:
        return None
    _, sealed = recent[str(name)]
    try:
        contents = unpack(key.open(PURPOSE, name, base64.b64decode(sealed)))
    except CannotOpen:
        return None
    if contents["after"] is None:
        return Search(contents["text"])
    at, id = contents["after"]
    return Search(contents["text"], (datetime.fromisoformat(at), UUID(id)))
