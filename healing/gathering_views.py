"""Pages made of the answers to several exercises."""

from datetime import datetime

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.lazy_count_paginator import LazyCountPaginator
from accounts.request_types import SignedInRequest
from healing.displayed_answer import DisplayedAnswer, display_answer
from healing.gathering import GATHERINGS
from healing.guide import guide
from healing.guide_types import Exercise, Step
from healing.left_out import is_left_out
from healing.models import Answer

ANSWERS_PER_PAGE = 20


@require_safe
def saved(request: SignedInRequest) -> HttpResponse:
    """The list of these pages."""
    context = {"gatherings": GATHERINGS.values(), "asked_again": _asked_again()}
    return render(request, "healing/saved.html", context)


@require_safe
def gathering(request: SignedInRequest, key: str) -> HttpResponse:
    if key not in GATHERINGS:
        raise Http404
    gathering = GATHERINGS[key]
    now = timezone.now()
    gathered = [
        (step, exercise)
        for step, exercise in gathering.exercises()
        if not is_left_out(exercise, request.session, now=now)
    ]
    exercises = {exercise.key: exercise for _step, exercise in gathered}
    rows = Answer.objects.of(request.user).gathered(exercises).newest_first()
    page = LazyCountPaginator(rows, ANSWERS_PER_PAGE).get_page(request.GET.get("page"))
    page.object_list = [
        display_answer(person=request.user, row=row, exercise=exercises[row.exercise])
        for row in page.object_list
    ]
    context = {"gathering": gathering, "answers": page, "exercises": gathered}
    return render(request, "healing/gathering.html", context)


@require_safe
def then_and_now(request: SignedInRequest) -> HttpResponse:
    """The answers to questions that were asked again, one below the other.

    The older ones stay closed while new ones are due: read first, they would be answered again.
    """
    now = timezone.now()
    found = [
        (step, exercise, _rounds(request, step, exercise)) for step, exercise in _asked_again()
    ]
    context = {
        "compared": [
            (step, exercise, rounds, any(_is_due(each, now) for each in rounds))
            for step, exercise, rounds in found
            if rounds
        ]
    }
    return render(request, "healing/then_and_now.html", context)


def _asked_again() -> list[tuple[Step, Exercise]]:
    return [
        (step, exercise)
        for step in guide().steps.values()
        for exercise in step.exercises
        if exercise.asked_again
    ]


def _rounds(
    request: SignedInRequest, step: Step, exercise: Exercise
) -> list[DisplayedAnswer[Answer]]:
    """The oldest first; a page shows no more than the last few."""
    rows = Answer.objects.of(request.user).for_exercise(step.number, exercise.key)
    latest = reversed(rows.newest_first()[: len(exercise.asked_again) + 1])
    return [display_answer(person=request.user, row=row, exercise=exercise) for row in latest]


def _is_due(answer: DisplayedAnswer[Answer], now: datetime) -> bool:
    at = answer.row.asks_at
    return at is not None and at <= now
