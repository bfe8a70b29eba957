from collections.abc import Iterable
from typing import Any

from django.contrib.messages.storage.base import Message
from django.contrib.messages.storage.session import SessionStorage
from django.http import HttpResponse

# More than any page of ours adds at once.
MAX_MESSAGES = 5


class BoundedMessageStorage(SessionStorage):
    """Django's messages in the session: each once, and the newest few.

    A form that is posted again and again without a page being read would fill the session, and
    every request reads all of it.
    """

    def _store(
        self, messages: Iterable[Message], response: HttpResponse, *args: Any, **kwargs: Any
    ) -> list[Any]:
        newest: list[Message] = []
        for message in messages:
            # Messages are equal whatever their tags, and tags name what was saved (exercise_views).
            newest = [
                each for each in newest if each != message or each.extra_tags != message.extra_tags
            ]
            newest.append(message)
        newest = newest[-MAX_MESSAGES:]
        stored: list[Any] = super()._store(newest, response, *args, **kwargs)  # type: ignore[misc]
        return stored
