"""Where someone is: the eight steps as stones, each in one of four states."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import CharField, F, Max, Value

from accounts.models import User
from healing.guide import Step, guide
from healing.models import Answer, StepMark


@dataclass(frozen=True)
class Stone:
    step: Step
    # settled, aside, begun or open
    state: str
    # When it was last marked or written in; None while it is open.
    touched_at: datetime | None = None


def crossing(person: User, *, begun_elsewhere: Mapping[int, datetime]) -> list[Stone]:
    """The eight stones, by one statement. `begun_elsewhere`: step → when, as for the journal's."""
    marks = StepMark.objects.of(person).values_list("step", "state", "marked_at")
    answered = (
        Answer.objects.of(person)
        .values("step")
        .annotate(state=Value("begun", output_field=CharField()), touched_at=Max(F("changed_at")))
        .values_list("step", "state", "touched_at")
    )
    found = {step: ("begun", at) for step, at in begun_elsewhere.items()}
    # A mark outweighs a beginning, whichever the database returns first.
    for step, state, at in sorted(answered.union(marks), key=lambda row: row[1] != "begun"):
        found[step] = (state, at)
    return [
        Stone(step, *found.get(number, ("open", None)))
        for number, step in sorted(guide().steps.items())
    ]
