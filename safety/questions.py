"""The safety questions, and what a page says to the answers.

Their idea is that of HARK (humiliation, afraid, rape, kick), in words of our own and for any bond.
Nobody has validated them, and they are no measure of anything. An answer exists only while its
request is being answered.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from safety.helpline_types import Kind


class Said(TextChoices):
    YES = "yes", _("Yes")
    NO = "no", _("No")
    UNSURE = "unsure", _("I can’t say")


@dataclass(frozen=True)
class Question:
    # The name of its radio buttons.
    name: str
    words: Promise
    # Who is there for somebody who says yes.
    kind: Kind


QUESTIONS = (
    Question(
        "harm", _("Are you thinking of harming yourself, or of ending your life?"), Kind.CRISIS
    ),
    Question(
        "contact",
        _("Could being in touch with them, or pulling away, put you in danger?"),
        Kind.ABUSE,
    ),
    Question(
        "hurt",
        _("Have they humiliated you, frightened you, forced you into something, or hurt you?"),
        Kind.ABUSE,
    ),
)


@dataclass(frozen=True)
class Reply:
    """`kinds` are the helplines that come first, `is_unsure` that some answer was “I can’t say”."""

    kinds: tuple[Kind, ...]
    is_unsure: bool

    @property
    def has_crisis(self) -> bool:
        return Kind.CRISIS in self.kinds

    @property
    def has_abuse(self) -> bool:
        return Kind.ABUSE in self.kinds


def reply_to(posted: Mapping[str, str]) -> Reply:
    """A question that was left out, or answered with another word, counts as not answered."""
    said = {question: posted.get(question.name) for question in QUESTIONS}
    kinds = [question.kind for question, answer in said.items() if answer == Said.YES]
    return Reply(tuple(dict.fromkeys(kinds)), Said.UNSURE in said.values())
