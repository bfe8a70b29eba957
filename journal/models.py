from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

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


class Letter(Sealed):
    """A letter that is never sent: there is no address in it and no way out of it."""

    contents_class = LetterContents
    purpose = "journal.letter"

    objects = LetterQuerySet.as_manager()

    class Meta:
        indexes = (models.Index(fields=["owner", "-changed_at"], name="letter_by_change"),)

    @classmethod
    def keep(
        cls,
        *,
        person: User,
        id: UUID,
        contents: LetterContents,
        now: datetime,
    ) -> "Letter":
        """Keep a letter under the id that its page was given, and return it.

        Pressed twice it stays one letter; sent again with other words, the newer words stand.
        """
        row = cls.sealed_by(person.key, contents, now=now, id=id)
        Letter.objects.bulk_create([row], ignore_conflicts=True)
        kept: Letter | None = Letter.objects.of(person).filter(pk=id).first()
        if kept is None:
            # The id is another person's row, so it never came from our page: take a fresh one.
            return cls.keep(person=person, id=uuid4(), contents=contents, now=now)
        if bytes(kept.sealed) != row.sealed:
            kept.rewrite(person=person, contents=contents, now=now)
        return kept

    def rewrite(self, *, person: User, contents: LetterContents, now: datetime) -> None:
        self.seal(person.key, contents, now=now)
        self.save(update_fields=["sealed", "scheme", "changed_at"])
