"""Begin pauses, and read their words back."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from accounts.models import User
from pause import actions
from pause.models import Pause, PauseContents


def a_pause(
    person: User,
    words: str = "words",
    *,
    trigger: str = "",
    minutes: int = 10,
    page: UUID | None = None,
    now: datetime,
) -> Pause:
    return actions.begin(
        person=person,
        page=page or uuid4(),
        words=words,
        trigger=trigger,
        minutes=minutes,
        now=now,
    )


def contents_of(row: Pause | None = None, *, person: User) -> PauseContents:
    """Return what is in a pause, or in the only one of this person."""
    stored: Any = Pause.objects.of(person).get(**({"pk": row.pk} if row else {}))
    contents: PauseContents = stored.open(person.key)
    return contents
