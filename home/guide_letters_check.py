from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, register

from healing.guide import guide
from journal.letter_kinds import BEGINNINGS
from safety.yaml_records import DataFileError


@register
def letters_of_the_guide_exist(**kwargs: Any) -> Sequence[CheckMessage]:
    """The guide names kinds of letters, and the journal has them: neither sees the other."""
    try:
        exercises = list(guide().exercises)
    except DataFileError:
        # The guide's own check tells.
        return []
    return [
        Error(
            f"Step {step.number}: “{exercise.key}” has “desk: {exercise.desk}”. There is:"
            f" {', '.join(sorted(BEGINNINGS))}.",
            id="home.E001",
        )
        for step, exercise in exercises
        if exercise.desk and exercise.desk not in BEGINNINGS
    ]
