"""Guard rails of exercises: what is left out on a visit, because it involves the other person.

An exercise with `not_after: [safety]` is left out while the visit has the mark of
`safety.hidden_contact`. One with `asks_first: safety` shows the way to the safety questions.
"""

from datetime import datetime

from django.contrib.sessions.backends.base import SessionBase

from healing.guide_types import Exercise, Step
from safety import hidden_contact

SAFETY = "safety"


def involves_contact(exercise: Exercise) -> bool:
    return SAFETY in exercise.not_after


def is_left_out(exercise: Exercise, session: SessionBase, *, now: datetime) -> bool:
    return involves_contact(exercise) and hidden_contact.is_hidden(session, now=now)


def exercises_left_out(step: Step, session: SessionBase, *, now: datetime) -> list[Exercise]:
    return [each for each in step.exercises if is_left_out(each, session, now=now)]
