"""The fields of an exercise as HTML."""

from functools import lru_cache

from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from healing.exercise_forms import ExerciseForm
from healing.guide_types import Exercise


def rendered_fields(exercise: Exercise, form: ExerciseForm | None = None) -> SafeString:
    if form is None:
        return _blank_fields(exercise, get_language())
    return render_to_string("healing/_form.html", {"form": form})


@lru_cache(maxsize=200)
def _blank_fields(exercise: Exercise, language: str) -> SafeString:
    """Render an exercise that nobody has answered yet, once per language.

    Its dozen fields are nearly half of what the page costs (ADR 24). The form is made here, not
    passed in: a cached one must never hold somebody's answer.
    """
    return render_to_string("healing/_form.html", {"form": ExerciseForm(exercise)})
