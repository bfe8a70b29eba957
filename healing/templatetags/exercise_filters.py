from django import template
from django.urls import reverse

from healing.guide_types import Exercise, Step

register = template.Library()


@register.filter
def address_in(exercise: Exercise, step: Step) -> str:
    """Return where an exercise of this step is done; a letter is written at the desk."""
    if exercise.desk:
        return reverse("journal:paper", args=[exercise.desk])
    return reverse("healing:exercise", args=[step, exercise.key])
