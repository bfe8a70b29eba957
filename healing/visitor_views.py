"""Exercises without an account: what is saved waits in the sealed session (ADR 30)."""

from uuid import UUID, uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import sign_up_origin
from accounts.allauth_internals import ratelimit
from accounts.returned_forms import posted_writing
from accounts.sessions.idle_lock import is_locked
from healing.displayed_answer import DisplayedAnswer, display_visitor_answer
from healing.exercise_forms import AnswerIdForm, ExerciseForm
from healing.guide import guide
from healing.guide_types import Exercise, Step
from healing.rendered_fields import rendered_fields
from healing.visitor_answers import (
    SESSION_KEY,
    NoRoom,
    SessionEnded,
    VisitorAnswer,
    drop_visitor_answers,
    save_visitor_answer,
    visitor_answers,
)
from safety.form_of_this_visit import visit
from vault.sessions import SessionStore

# Each session that begins like this may store a hundred kilobytes.
RATES = {"begin_as_visitor": "100/h/ip"}


def visitor_exercise(request: HttpRequest, step: Step, exercise: Exercise) -> HttpResponse:
    """The page of an exercise for somebody without an account.

    An answer that is not saved is shown again. Leaving, and each sign-in, end every form from
    before (ADR 17), so that this never answers a form of somebody who has left.
    """
    page = AnswerIdForm(request.POST)
    # Each form of ours has the id of its page. Nothing of another one is shown.
    is_ours = page.is_valid() or can_save(request, exercise)
    if request.method != "POST" or not is_ours:
        return _page(request, step, exercise, id=uuid4())
    form, id = ExerciseForm(exercise, request.POST), page.answer_id
    if not form.is_valid():
        return _page(request, step, exercise, id=id, form=form)
    problem, status = _save(request, step, form, id)
    if problem:
        form.add_error(None, problem)
        return _page(request, step, exercise, id=id, form=form, status=status)
    return redirect("healing:exercise", step, exercise.key)


def _save(request: HttpRequest, step: Step, form: ExerciseForm, id: UUID) -> tuple[str, int]:
    """Return why it was not saved, and the status of the page that says so."""
    exercise, now = form.exercise, timezone.now()
    if not can_save(request, exercise):
        return _("This cannot be saved without an account."), 422
    if not _may_begin(request):
        return _(
            "Much was saved from your connection in the last hour. Try again a bit later."
        ), 429
    answer = VisitorAnswer(id, step.number, exercise.key, exercise.version, now, form.answer)
    try:
        save_visitor_answer(request.session, answer, now=now)
    except NoRoom:
        return _(
            "There is no room for more without an account. You can delete something you saved, or"
            " make an account."
        ), 422
    except SessionEnded:
        # Not flush(): deleting the cookie would delete that of a session begun meanwhile.
        request.session = SessionStore()
        return _("It could not be saved just now. Save it once more."), 409
    return "", 200


def _may_begin(request: HttpRequest) -> bool:
    # A session alone says nothing: other pages make one without any limit.
    return SESSION_KEY in request.session or bool(
        ratelimit.consume(request, app="healing", action="begin_as_visitor", config=RATES)
    )


def can_save(request: HttpRequest, exercise: Exercise) -> bool:
    """A locked session belongs to somebody with an account, who may not be there any more."""
    return exercise.public and not is_locked(request)


def _page(
    request: HttpRequest,
    step: Step,
    exercise: Exercise,
    *,
    id: UUID,
    form: ExerciseForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """Without a form it is blank. `id` is that of the answer which the page will send."""
    context = {
        "step": step,
        "exercise": exercise,
        "can_save": can_save(request, exercise),
        "form": form,
        "fields": rendered_fields(exercise, form),
        "id": id,
        "visit": visit(request),
        "answers": _answers_to(request, step, exercise.key),
        "elsewhere": _other_exercises(request, exercise),
    }
    return render(request, "healing/exercise_visitor.html", context, status=status)


def _other_exercises(request: HttpRequest, exercise: Exercise) -> list[tuple[Step, Exercise]]:
    """Where the other answers of this browser are shown, and can be deleted."""
    saved = {
        (answer.step, answer.exercise)
        for answer in visitor_answers(request.session, now=timezone.now())
    }
    return [
        (step, each)
        for step in guide().steps.values()
        for each in step.exercises
        if each != exercise and (step.number, each.key) in saved
    ]


def _answers_to(request: HttpRequest, step: Step, key: str) -> list[DisplayedAnswer[VisitorAnswer]]:
    """The answers of this browser to an exercise, the newest first."""
    return [
        display_visitor_answer(answer, step.exercise(key))
        for answer in reversed(visitor_answers(request.session, now=timezone.now()))
        if (answer.step, answer.exercise) == (step.number, key)
    ]


def visitor_earlier_exercise(request: HttpRequest, step: Step, key: str) -> HttpResponse:
    """An exercise that the guide no longer has. What was written for it is not lost at once."""
    answers = _answers_to(request, step, key)
    again = posted_writing(request) if AnswerIdForm(request.POST).is_valid() else None
    if not answers and again is None:
        raise Http404
    context = {"step": step, "key": key, "answers": answers, "again": again}
    status = 410 if again else 200
    return render(request, "healing/exercise_earlier_visitor.html", context, status=status)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def drop(request: HttpRequest, step: Step, key: str, id: UUID) -> HttpResponse:
    """Delete an answer that was saved without an account."""
    if request.method == "POST":
        drop_visitor_answers(request.session, id, now=timezone.now())
        if step.exercise(key) is None:
            return redirect("healing:step", step)
    return redirect("healing:exercise", step, key)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def make_account(request: HttpRequest, step: Step, key: str, id: UUID) -> HttpResponse:
    """Lead to the sign-up, after which the answers of this browser are carried over."""
    back = redirect("healing:exercise", step, key)
    if request.method != "POST":
        return back
    now = timezone.now()
    ids = [answer.id for answer in visitor_answers(request.session, now=now)]
    if id not in ids:
        messages.warning(request, _("That is not here any more. Its time was over."))
        return back
    if request.user.is_authenticated:
        return redirect("home:carry_over")
    # Back to the answer itself, which stands below the form.
    onward = f"{back.url}#kept"
    return sign_up_origin.begin(request, onward, about=[str(each) for each in ids], now=now)
