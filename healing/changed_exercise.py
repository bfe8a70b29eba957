"""A page that was open while the guide changed: its words are shown, to be copied."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.returned_forms import posted_writing
from healing.exercise_forms import ExerciseForm
from healing.guide_types import Step


def has_changed(request: HttpRequest, form: ExerciseForm) -> bool:
    """Whether words were sent that the exercise, as it is now, has no place for."""
    return form.is_of_another_version and any(
        not form.can_show(each.name, each.value) for each in posted_writing(request).fields
    )


def changed_exercise(request: HttpRequest, step: Step, form: ExerciseForm) -> HttpResponse:
    """Nothing of it was saved: a part alone would look like all of it."""
    context = {"step": step, "exercise": form.exercise, "again": posted_writing(request)}
    return render(request, "healing/exercise_changed.html", context, status=409)
