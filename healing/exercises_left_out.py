"""Guard rails: exercises that are left out on a visit, or for somebody, and those that come first.

An exercise with `not_after: [safety]` involves the other person. It is left out while the visit has
the mark of `safety.hidden_contact_exercises`; one with `asks_first: safety` shows the way to the
safety questions. One with `not_after: [why]` is not offered to those who have said that they keep
asking why (`accounts.guide_settings`); one with `first_after: [why]` comes first for them.
"""

from collections.abc import Set
from datetime import datetime

from django.http import HttpRequest

from accounts.guide_settings import asks_why
from healing.guide_types import Exercise, Step
from safety import hidden_contact_exercises

SAFETY, WHY = "safety", "why"


def guards_held(request: HttpRequest, *, now: datetime) -> frozenset[str]:
    """The words of `not_after` that hold for this visit and this person."""
    held = set()
    if hidden_contact_exercises.is_hidden(request.session, now=now):
        held.add(SAFETY)
    if request.user.is_authenticated and asks_why(request.user):
        held.add(WHY)
    return frozenset(held)


def involves_contact(exercise: Exercise) -> bool:
    return SAFETY in exercise.not_after


def is_left_out(exercise: Exercise, held: Set[str]) -> bool:
    return not held.isdisjoint(exercise.not_after)


def exercises_left_out(step: Step, held: Set[str]) -> list[Exercise]:
    return [each for each in step.exercises if is_left_out(each, held)]


def exercises_offered(step: Step, held: Set[str]) -> list[Exercise]:
    """All of the step, those first that come first, and the others in their order."""
    return sorted(step.exercises, key=lambda each: held.isdisjoint(each.first_after))
