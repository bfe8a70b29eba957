"""Answers of somebody without an account, in the sealed session of their browser (ADR 30)."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from django.contrib.sessions.backends.base import SessionBase

from vault import expiring_session_entries
from vault.expiring_session_entries import Entries
from vault.sessions import SessionStore

SESSION_KEY = "visitor_answers"
# From when an answer was written, and from the last visit to any page.
LASTS, LASTS_UNTOUCHED = timedelta(hours=12), timedelta(hours=1)
# A visit counts after this much time only: not every page writes to the database.
TOUCHED_EVERY = timedelta(minutes=1)
# Each request of this browser reads them.
MAX_ANSWERS, MAX_BYTES = 10, 100_000


class NoRoom(Exception):
    """The session holds as many answers, or as many words, as it may. Nothing was saved."""


class SessionEnded(Exception):
    """Another request has ended the session meanwhile. Nothing was saved."""


@dataclass(frozen=True)
class VisitorAnswer:
    id: UUID
    step: int
    exercise: str
    version: str
    written_at: datetime
    # As in `AnswerContents`.
    fields: dict[str, Any]


def visitor_answers(session: SessionBase, *, now: datetime) -> list[VisitorAnswer]:
    """Return all answers of this browser, the oldest first."""
    entries = expiring_session_entries.current(session, SESSION_KEY, now=now)
    return [_unpack(id, text) for id, (_, text) in entries.items()]


def save_visitor_answer(session: SessionBase, answer: VisitorAnswer, *, now: datetime) -> None:
    """Save an answer under the id of its page: posted twice, it is saved once.

    Raises NoRoom and SessionEnded.
    """

    def add(entries: Entries) -> Entries:
        entry = (_end(answer, now), _pack(answer))
        # Last, also when it is saved again: the oldest comes first.
        others = {id: each for id, each in entries.items() if id != str(answer.id)}
        added = others | {str(answer.id): entry}
        size = sum(len(text.encode()) for _, text in added.values())
        if len(added) > MAX_ANSWERS or size > MAX_BYTES:
            raise NoRoom
        return added

    if not _change(session, add, now=now):
        raise SessionEnded


def drop_visitor_answers(session: SessionBase, *ids: UUID, now: datetime) -> None:
    dropped = {str(id) for id in ids}

    def drop(entries: Entries) -> Entries:
        return {id: entry for id, entry in entries.items() if id not in dropped}

    # Nothing to drop makes no session.
    if SESSION_KEY in session:
        _change(session, drop, now=now)


def touch_visitor_answers(session: SessionBase, *, now: datetime) -> None:
    """Let them last for another hour, up to their twelve."""

    def extend(entries: Entries) -> Entries:
        return {id: (_end(_unpack(id, text), now), text) for id, (_, text) in entries.items()}

    entries = expiring_session_entries.current(session, SESSION_KEY, now=now)
    extended = extend(entries)
    gained = [extended[id][0] - end for id, (end, _) in entries.items()]
    if max(gained, default=0) >= TOUCHED_EVERY.total_seconds():
        _change(session, extend, now=now)


def _change(session: SessionBase, change: Callable[[Entries], Entries], *, now: datetime) -> bool:
    def change_current(entries: Entries | None) -> Entries:
        stored = {SESSION_KEY: entries or {}}
        return change(expiring_session_entries.current(stored, SESSION_KEY, now=now))

    return cast(SessionStore, session).change_value(SESSION_KEY, change_current)


def _end(answer: VisitorAnswer, now: datetime) -> float:
    return min(answer.written_at + LASTS, now + LASTS_UNTOUCHED).timestamp()


def _pack(answer: VisitorAnswer) -> str:
    contents = {
        "step": answer.step,
        "exercise": answer.exercise,
        "version": answer.version,
        "written_at": answer.written_at.isoformat(),
        "fields": answer.fields,
    }
    return json.dumps(contents, ensure_ascii=False)


def _unpack(id: str, text: str) -> VisitorAnswer:
    contents = json.loads(text)
    written_at = datetime.fromisoformat(contents.pop("written_at"))
    return VisitorAnswer(id=UUID(id), written_at=written_at, **contents)
