"""What is said to the answers of a grid: words, computed in the request, and never a number."""

from collections.abc import Mapping

from healing.field_kinds import KINDS
from healing.guide_types import Exercise, Field, Reply


def reply_words(reply: Reply, said: Mapping[str, str]) -> str:
    """`said` has the choice for each line that was answered."""
    familiar = sum(choice in reply.familiar for choice in said.values())
    if familiar >= reply.several:
        return reply.many
    return reply.some if familiar else reply.none


def posted_choices(grid: Field, posted: Mapping[str, str]) -> dict[str, str]:
    """The choices by the names of their form fields, without what is no choice of this grid."""
    offered = {choice.key for choice in grid.choices}
    names = [slot.name for slot in KINDS[grid.kind].slots(grid)]
    return {name: posted[name] for name in names if posted.get(name) in offered}


def grid_of(exercise: Exercise) -> Field:
    """The grid that the reply is about: the loader has made sure of it."""
    return next(
        field for field in exercise.fields if exercise.reply and field.name == exercise.reply.about
    )
