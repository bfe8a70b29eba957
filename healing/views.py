from collections.abc import Callable
from functools import lru_cache
from typing import cast
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Page
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.error_views import cannot_open, not_saved_message, sent_too_late
from accounts.models import User
from accounts.pagination import Listing
from accounts.request_types import SignedInRequest
from healing import actions, markdown
from healing.exercise_forms import ExerciseForm
from healing.guide import Exercise, Step, guide
from healing.models import Answer, AnswerContents, StepMark
from healing.step_mark_forms import OPEN, MarkForm, NewAnswerForm
from vault.sealing import CannotOpen
from vault.statements import Statement

MARK = Statement(lambda owner, step: StepMark.objects.of(owner).filter(step=step))
ANSWERED = Statement(
    lambda owner, step: (
        Answer.objects.of(owner)
        .filter(step=step)
        .order_by("exercise")
        .values_list("exercise")
        .distinct()
    )
)
KEPT = Listing(
    lambda owner, step, key: Answer.objects.of(owner).to(step, key).newest_first(), per_page=20
)


def _reading_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Open to anyone, and for those who are not signed in up even while the database is not."""
    return login_not_required(require_safe(transaction.non_atomic_requests(view)))


def _answer_of(request: SignedInRequest, step: Step, key: str, answer_id: UUID) -> Answer:
    answers = Answer.objects.of(request.user).to(step.number, key)
    if request.method == "POST":
        # Held, so that it is not deleted elsewhere while it is being changed here.
        answers = answers.select_for_update()
    answer: Answer = get_object_or_404(answers, pk=answer_id)
    return answer


@_reading_page
def page(request: HttpRequest, slug: str) -> HttpResponse:
    page = guide().pages[slug]
    context = {"page": page, "words": page.html, "added": ""}
    if slug == "privacy" and settings.PRIVACY_TEXT:
        context["added"] = markdown.render(settings.PRIVACY_TEXT, prefix="theirs").html
    elif slug == "terms" and settings.TERMS_TEXT:
        context["words"] = markdown.render(settings.TERMS_TEXT).html
    return render(request, "healing/page.html", context)


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
def step(request: HttpRequest, step: Step) -> HttpResponse:
    context: dict[str, object] = {
        "step": step,
        "following": guide().steps.get(step.number + 1),
    }
    if request.user.is_authenticated:
        context["mark"] = MARK.first(request.user.pk, step.number)
        context["earlier"] = _keys_of_earlier_exercises(request.user, step)
    return render(request, "healing/step.html", context)


def _keys_of_earlier_exercises(person: User, step: Step) -> list[str]:
    """What they answered in this step that the guide no longer asks."""
    today = {exercise.key for exercise in step.exercises}
    return [key for (key,) in ANSWERED.rows(person.pk, step.number) if key not in today]


@require_POST
def mark(request: SignedInRequest, step: Step) -> HttpResponse:
    form = MarkForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("That choice is not one of the three. Nothing was changed."))
        return redirect("healing:step", step)
    state = form.cleaned_data["state"]
    if state == OPEN:
        actions.open_step(person=request.user, step=step)
    else:
        actions.mark_step(
            person=request.user, step=step, state=StepMark.State(state), now=timezone.now()
        )
    said = {
        "settled": _("Settled for now. You can open it again whenever you like."),
        "aside": _("Set aside. It stays where it is, and it waits for nothing."),
        OPEN: _("This step is open again."),
    }
    messages.info(request, said[state])
    return redirect("healing:step", step)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.non_atomic_requests
def exercise(request: HttpRequest, step: Step, key: str) -> HttpResponse:
    """Read by anyone; kept for those with an account."""
    found = step.exercise(key)
    if found is None:
        return _earlier_exercise(request, step, key)
    if found.desk:
        return redirect("journal:write")
    if gone := sent_too_late(request):
        return gone
    form = ExerciseForm(found, request.POST) if request.method == "POST" else None
    if not request.user.is_authenticated:
        context = {"step": step, "exercise": found, "sheet": _sheet(found, form), "form": form}
        return render(request, "healing/exercise_visitor.html", context)
    signed_in = cast(SignedInRequest, request)
    new = NewAnswerForm(request.POST if form else None)
    if form and form.is_valid():
        return _keep(signed_in, step, form, new)
    return _exercise_page(signed_in, step, found, form, new)


def _sheet(exercise: Exercise, form: ExerciseForm | None) -> SafeString:
    """The questions, filled in as they were sent, or not at all."""
    if form is None:
        return _blank_sheet(exercise, get_language())
    return render_to_string("healing/_form.html", {"form": form})


@lru_cache(maxsize=200)
def _blank_sheet(exercise: Exercise, language: str) -> SafeString:
    """The same for everybody: made once for each language."""
    return render_to_string("healing/_form.html", {"form": ExerciseForm(exercise)})


def _keep(
    request: SignedInRequest, step: Step, form: ExerciseForm, new: NewAnswerForm
) -> HttpResponse:
    found = form.exercise
    try:
        actions.keep_answer(
            person=request.user,
            id=new.given,
            step=step,
            exercise=found,
            answer=form.answer,
            now=timezone.now(),
        )
    except CannotOpen:
        form.add_error(None, not_saved_message())
        return _exercise_page(request, step, found, form, new, status=503)
    messages.info(request, found.kept or _("Kept."))
    return redirect("healing:exercise", step, found.key)


def _exercise_page(
    request: SignedInRequest,
    step: Step,
    exercise: Exercise,
    form: ExerciseForm | None,
    new: NewAnswerForm,
    *,
    status: int = 200,
) -> HttpResponse:
    context = {
        "step": step,
        "exercise": exercise,
        "sheet": _sheet(exercise, form),
        "form": form,
        "new": new,
        "answers": _answers(request, step, exercise.key),
    }
    return render(request, "healing/exercise.html", context, status=status)


def _earlier_exercise(request: HttpRequest, step: Step, key: str) -> HttpResponse:
    """The guide no longer asks this. Who answered it can still read and delete what they kept."""
    if not request.user.is_authenticated:
        raise Http404
    answers = _answers(cast(SignedInRequest, request), step, key)
    if not answers or request.method == "POST":
        raise Http404
    context = {"step": step, "key": key, "answers": answers}
    return render(request, "healing/exercise_earlier.html", context)


def _answers(request: SignedInRequest, step: Step, key: str) -> Page[Answer]:
    page = KEPT.page(request.GET.get("page"), request.user.pk, step.number, key)
    found = step.exercise(key)
    page.object_list = [
        actions.read_answer(person=request.user, row=row, exercise=found)
        for row in page.object_list
    ]
    return page


@require_http_methods(["GET", "HEAD", "POST"])
def answer(request: SignedInRequest, step: Step, key: str, id: UUID) -> HttpResponse:
    """Change a kept answer."""
    row = _answer_of(request, step, key, id)
    found = step.exercise(key)
    if found is None:
        raise Http404
    try:
        contents: AnswerContents = row.open(request.user.key)
    except CannotOpen:
        return cannot_open(request)
    data = request.POST if request.method == "POST" else None
    form = ExerciseForm(found, data, answer=contents.fields)
    if form.is_bound and form.is_valid():
        actions.change_answer(
            person=request.user, row=row, exercise=found, answer=form.answer, now=timezone.now()
        )
        messages.info(request, _("Your changes are kept."))
        return redirect("healing:exercise", step, key)
    context = {"step": step, "exercise": found, "form": form, "row": row}
    return render(request, "healing/answer.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def answer_delete(request: SignedInRequest, step: Step, key: str, id: UUID) -> HttpResponse:
    row = _answer_of(request, step, key, id)
    if request.method == "POST":
        row.delete()
        messages.info(request, _("It is deleted."))
        return redirect("healing:step", step)
    context = {"step": step, "exercise": step.exercise(key), "row": row}
    return render(request, "healing/answer_delete.html", context)
