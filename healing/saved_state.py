"""Which words of an answer a page has shown, so that it replaces no others (ADR 25)."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from uuid import UUID

from accounts.models import User

PURPOSE = "healing.saved_state"


def saved_state(person: User, fields: Mapping[str, Any]) -> str:
    """Name the words of an answer: equal for equal words, and useless without the person's key."""
    data = json.dumps(words_in(fields), sort_keys=True).encode()
    return str(person.key.derive_id(PURPOSE, UUID(bytes=sha256(data).digest()[:16])))


def words_in(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is empty: a question that was not asked equals one without an answer."""
    return {name: value for name, value in fields.items() if value}
