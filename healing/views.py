from collections.abc import Callable
from typing import cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from healing import actions
from healing.crossing import crossing
from healing.exercises import ExerciseForm
from healing.forms import MarkForm
from healing.guide import Exercise, Step, guide
from healing.models import Answer, AnswerContents, StepMark
from vault.sealing import CannotOpen


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)


def _reading_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Open to anyone, and up even while the database is not: nothing here is written."""
    return login_not_required(require_safe(transaction.non_atomic_requests(view)))


def _exercise_of(step: Step, key: str) -> Exercise:
    try:
        return step.exercise(key)
    except KeyError:
        raise Http404 from None


@_reading_page
def page(request: HttpRequest, slug: str) -> HttpResponse:
    return render(request, "healing/page.html", {"page": guide().pages[slug]})


@_reading_page
def learn(request: HttpRequest) -> HttpResponse:
    return render(request, "healing/learn.html", {"readings": guide().readings.values()})


@_reading_page
def reading(request: HttpRequest, slug: str) -> HttpResponse:
    readings = guide().readings
    if slug not in readings:
        raise Http404
    slugs = list(readings)
    following = readings.get(next(iter(slugs[slugs.index(slug) + 1 :]), ""))
    return render(
        request, "healing/reading.html", {"reading": readings[slug], "following": following}
    )


@_reading_page
def steps(request: HttpRequest) -> HttpResponse:
    person = _person(request)
    context: dict[str, object] = {"steps": [guide().steps[n] for n in sorted(guide().steps)]}
    if person.is_authenticated:
        context["stones"] = crossing(person)
    return render(request, "healing/steps.html", context)


@_reading_page
def step(request: HttpRequest, step: Step) -> HttpResponse:
    person = _person(request)
    mark = None
    if person.is_authenticated:
        mark = StepMark.objects.of(person).filter(step=step.number).first()
    context = {"step": step, "mark": mark, "following": guide().steps.get(step.number + 1)}
    return render(request, "healing/step.html", context)


@require_POST
def mark(request: HttpRequest, step: Step) -> HttpResponse:
    form = MarkForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("That choice is not one of the three. Nothing was changed."))
        return redirect("healing:step", step)
    state = form.cleaned_data["state"]
    actions.mark_step(person=_person(request), step=step, state=state, now=timezone.now())
    said = {
        "settled": _("Settled for now. You can open it again whenever you like."),
        "aside": _("Set aside. It stays where it is, and it waits for nothing."),
        "open": _("This step is open again."),
    }
    messages.info(request, said[state])
    return redirect("healing:step", step)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def exercise(request: HttpRequest, step: Step, key: str) -> HttpResponse:
    """Read by anyone; kept for those with an account."""
    found = _exercise_of(step, key)
    if found.desk:
        return redirect("journal:write")
    if not request.user.is_authenticated:
        return _exercise_for_visitors(request, step, found)
    form = ExerciseForm(found, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        actions.keep_answer(
            person=_person(request),
            step=step,
            exercise=found,
            answer=form.answer,
            now=timezone.now(),
        )
        messages.info(request, found.kept or _("Kept."))
        return redirect("healing:exercise", step, key)
    return _exercise_page(request, step, found, form)


def _exercise_for_visitors(request: HttpRequest, step: Step, found: Exercise) -> HttpResponse:
    """What was written without an account comes back on the page; nothing is stored."""
    form = ExerciseForm(found, request.POST if request.method == "POST" else None)
    context = {"step": step, "exercise": found, "form": form}
    return render(request, "healing/exercise_visitor.html", context)


def _exercise_page(
    request: HttpRequest, step: Step, found: Exercise, form: ExerciseForm
) -> HttpResponse:
    person = _person(request)
    rows = Answer.objects.of(person).to(step.number, found.key).newest_first()[:20]
    answers = [actions.read_answer(person=person, row=row, exercise=found) for row in rows]
    context = {"step": step, "exercise": found, "form": form, "answers": answers}
    return render(request, "healing/exercise.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def answer(request: HttpRequest, step: Step, key: str, id: UUID) -> HttpResponse:
    """Change a kept answer."""
    person = _person(request)
    row = get_object_or_404(Answer.objects.of(person).to(step.number, key), pk=id)
    found = _exercise_of(step, key)
    try:
        contents: AnswerContents = row.open(person.key)
    except CannotOpen:
        return render(request, "closed.html", {"back": "healing:exercise"}, status=200)
    data = request.POST if request.method == "POST" else None
    form = ExerciseForm(found, data, answer=contents.fields)
    if form.is_bound and form.is_valid():
        actions.change_answer(
            person=person, row=row, exercise=found, answer=form.answer, now=timezone.now()
        )
        messages.info(request, _("Your changes are kept."))
        return redirect("healing:exercise", step, key)
    context = {"step": step, "exercise": found, "form": form, "row": row}
    return render(request, "healing/answer.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def answer_delete(
    request: HttpRequest,
    step: Step,
    key: str,
    id: UUID,
) -> HttpResponse:
    person = _person(request)
    row = get_object_or_404(Answer.objects.of(person).to(step.number, key), pk=id)
    if request.method == "POST":
        row.delete()
        messages.info(request, _("It is deleted."))
        return redirect("healing:step", step)
    context = {"step": step, "exercise": _exercise_of(step, key), "row": row}
    return render(request, "healing/answer_delete.html", context)
