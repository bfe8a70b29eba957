"""Pages made of the answers to several exercises."""

from datetime import datetime

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.lazy_count_paginator import LazyCountPaginator
from accounts.request_types import SignedInRequest
from healing.displayed_answer import DisplayedAnswer, display_answer
from healing.exercises_left_out import SAFETY, guards_held, is_left_out
from healing.gathering_kinds import GATHERINGS
from healing.guide import guide
from healing.guide_types import Exercise, Step
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
    # What somebody has said about themselves leaves out new exercises, and none of their words.
    held = guards_held(request, now=timezone.now()) & {SAFETY}
    found = [
        (step, each)
        for step, each in _exercises()
        if each.gathers == key and not is_left_out(each, held)
    ]
    exercises = {exercise.key: exercise for _step, exercise in found}
    rows = Answer.objects.of(request.user).gathered(exercises).newest_first()
    page = LazyCountPaginator(rows, ANSWERS_PER_PAGE).get_page(request.GET.get("page"))
    page.object_list = [
        display_answer(person=request.user, row=row, exercise=exercises[row.exercise])
        for row in page.object_list
    ]
    context = {"gathering": GATHERINGS[key], "answers": page, "exercises": found}
    return render(request, "healing/gathering.html", context)


@require_safe
def then_and_now(request: SignedInRequest) -> HttpResponse:
    """The answers to questions that were asked again, one below the other.

    The older ones stay closed until new ones are saved: read first, they would be answered again.
    """
    now = timezone.now()
    found = [(exercise, _rounds(request, step, exercise)) for step, exercise in _asked_again()]
    context = {
        "compared": [
            (exercise, rounds, _stays_closed(rounds, now)) for exercise, rounds in found if rounds
        ]
    }
    return render(request, "healing/then_and_now.html", context)


def _exercises() -> list[tuple[Step, Exercise]]:
    return list(guide().exercises)


def _asked_again() -> list[tuple[Step, Exercise]]:
    return [(step, each) for step, each in _exercises() if each.asked_again]


def _rounds(
    request: SignedInRequest, step: Step, exercise: Exercise
) -> list[DisplayedAnswer[Answer]]:
    """The oldest first; a page shows no more than the last few."""
    rows = Answer.objects.of(request.user).for_exercise(step.number, exercise.key)
    latest = reversed(rows.newest_first()[: len(exercise.asked_again) + 1])
    return [display_answer(person=request.user, row=row, exercise=exercise) for row in latest]


def _stays_closed(rounds: list[DisplayedAnswer[Answer]], now: datetime) -> bool:
    """Whether there is nothing to compare yet, or the next round is due."""
    due = [each for each in rounds if each.row.asks_at and each.row.asks_at <= now]
    return len(rounds) < 2 or bool(due)
