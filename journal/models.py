from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import models

from accounts.models import User
from vault.models import Sealed, SealedQuerySet


@dataclass(frozen=True)
class LetterContents:
    """A letter: whom it speaks to, in the writer's own words, and what it says."""

    to: str
    body: str


class LetterQuerySet(SealedQuerySet):
    def newest_first(self) -> "LetterQuerySet":
        return self.order_by("-changed_at", "pk")

    def unopened(self) -> models.QuerySet[Any, tuple[UUID, datetime, datetime]]:
        """Newest first, their ids, when they were begun and when they were changed."""
        return self.newest_first().values_list("pk", "created_at", "changed_at")


class Letter(Sealed):
    """A letter that is never sent: there is no address in it and no way out of it."""

    contents_class = LetterContents
    purpose = "journal.letter"

    objects = LetterQuerySet.as_manager()

    class Meta:
        indexes = (models.Index(fields=["owner", "-changed_at"], name="letter_by_change"),)

    @classmethod
    def keep(cls, *, person: User, id: UUID, contents: LetterContents, now: datetime) -> "Letter":
        """Keep a letter under the id that its page was given, once. Raises CannotOpen."""
        return cls.keep_once(
            person.key,
            contents,
            id=id,
            now=now,
            again=lambda letter: letter.rewrite(person=person, contents=contents, now=now),
        )

    def rewrite(self, *, person: User, contents: LetterContents, now: datetime) -> None:
        self.reseal(person.key, contents, now=now)
