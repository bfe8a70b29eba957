"""Where someone is: the eight steps as stones, each in one of four states."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import CharField, F, Value

from accounts.models import User
from healing.guide import Step, guide
from healing.models import Answer, StepMark


@dataclass(frozen=True)
class Stone:
    step: Step
    # settled, aside, begun or open
    state: str


def crossing(person: User, *, also_begun: Collection[int] = ()) -> list[Stone]:
    """The eight stones, by one statement. `also_begun`: steps begun elsewhere, in the journal."""
    marks = StepMark.objects.of(person).values_list("step", "state")
    begun_steps = (
        Answer.objects.of(person)
        .annotate(state=Value("begun", output_field=CharField()))
        .values_list(F("step"), "state")
    )
    # A mark outweighs a beginning, whichever the database returns first.
    rows = sorted(begun_steps.union(marks), key=lambda row: row[1] != "begun")
    states = dict.fromkeys(also_begun, "begun") | dict(rows)
    return [
        Stone(step, states.get(number, "open")) for number, step in sorted(guide().steps.items())
    ]
