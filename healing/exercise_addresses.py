from django.urls import reverse

from healing.guide_types import Exercise, Step
from healing.piece_url_names import PIECES


def address_of(exercise: Exercise, step: Step) -> str:
    """Return where an exercise of this step is done: letters at the desk, pieces on their pages."""
    if exercise.desk:
        return reverse("journal:paper", args=[exercise.desk])
    if exercise.piece:
        return reverse(PIECES[exercise.piece])
    return reverse("healing:exercise", args=[step, exercise.key])
