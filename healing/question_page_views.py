"""An exercise with a question a page: words are kept on the way, and checked before saving."""

from collections.abc import Set
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.device_copies_key import device_copies_key
from accounts.error_views import cannot_open, quota_nearly_full_message
from accounts.not_saved import NOT_SAVED, refusal_of
from accounts.request_types import SignedInRequest
from accounts.returned_forms import posted_writing
from healing import draft_actions
from healing.displayed_answer import displayed_fields, fields_beyond_form
from healing.drafts import CHECK, OnTheWay, on_the_way
from healing.exercise_availability import availability
from healing.exercise_forms import AnswerIdForm, ExerciseForm, QuestionForm
from healing.exercise_views import say_saved, why_not_saved
from healing.exercises_left_out import SAFETY, guards_held, is_left_out
from healing.field_kinds import shown
from healing.guide_types import Exercise, Field, Step
from healing.made_sentence import made_sentence
from healing.models import Answer, Draft
from vault.sealing import CannotOpen
from vault.storage_quota import measure

# What the buttons of a question send.
BACK, STOP = "back", "stop"


@require_http_methods(["GET", "HEAD", "POST"])
def question(
    request: SignedInRequest, step: Step, key: str, number: int, id: UUID | None = None
) -> HttpResponse:
    """One question of an exercise. Its words are kept in the draft, and saved on the last page."""
    try:
        writing = on_the_way(request.user, step, key, id, locks=request.method == "POST")
    except CannotOpen:
        return cannot_open(request)
    if request.method == "POST":
        return _take_question(request, writing, number)
    if elsewhere := _elsewhere(request, writing):
        return redirect(elsewhere)
    asked = writing.asked.get(number)
    if asked is None or writing.exercise is None:
        return redirect(writing.page(writing.following(number, writing.fields)))
    form = QuestionForm(writing.exercise, asked, answer=writing.fields)
    return _question_page(request, writing, number, form, page=uuid4())


def _elsewhere(request: SignedInRequest, writing: OnTheWay) -> str:
    """Where to go instead, because this is not asked now; empty if it is."""
    exercise, is_begun = writing.exercise, bool(writing.draft or writing.answer)
    if exercise is None:
        return "" if writing.draft else writing.exercise_address
    now = timezone.now()
    held = guards_held(request, now=now)
    # What somebody has begun before they left it out by their own wish can be ended.
    if is_left_out(exercise, held & {SAFETY} if is_begun else held):
        return writing.exercise_address
    is_open = is_begun or availability(request.user, writing.step, exercise, now).is_open
    is_asked = exercise.question_a_page or writing.draft
    return "" if is_open and is_asked else writing.exercise_address


def _take_question(request: SignedInRequest, writing: OnTheWay, number: int) -> HttpResponse:
    asked = _question_of(request, writing, number)
    exercise, page = writing.exercise, AnswerIdForm(request.POST).answer_id
    if asked is None or exercise is None:
        return _changed_meanwhile(request, writing)
    form = QuestionForm(exercise, asked, request.POST)
    if _has_other_words(request, form):
        return _changed_meanwhile(request, writing)
    number = exercise.fields.index(asked) + 1
    if not form.is_valid():
        return _question_page(request, writing, number, form, page=page)
    go_to = request.POST.get("go-to")
    # Going back from the last question shows no check page, so it does not count as seen.
    if go_to == BACK:
        place = writing.before(number)
    else:
        place = writing.following(number, writing.fields | form.answer)
    if problem := _keep(request, writing, form, place, page):
        form.add_error(None, problem[0])
        return _question_page(request, writing, number, form, page=page, status=problem[1])
    is_left = go_to == STOP or (go_to == BACK and place == number)
    return redirect(writing.exercise_address if is_left else writing.page(place))


def _question_of(request: HttpRequest, writing: OnTheWay, number: int) -> Field | None:
    """The question that the page was about, wherever the guide has it now."""
    if writing.exercise is None:
        return None
    if name := request.POST.get("which-question"):
        return writing.exercise.field(name)
    return writing.asked.get(number)


def _has_other_words(request: HttpRequest, form: QuestionForm) -> bool:
    """Whether words were sent that no field of the question, as it is now, can show."""
    name = form.questions[0].name
    return any(
        each.name not in form.fields
        or (form.is_of_another_version and not form.can_show(each.name, each.value))
        for each in posted_writing(request).fields
        if each.name == name or each.name.startswith(f"{name}-")
    )


def _changed_meanwhile(request: HttpRequest, writing: OnTheWay) -> HttpResponse:
    """The guide asks this otherwise, or no more. What was written is shown, to be copied."""
    context = _base(writing) | {"again": posted_writing(request)}
    return render(request, "healing/question_changed.html", context, status=409)


def _keep(
    request: SignedInRequest, writing: OnTheWay, form: QuestionForm, place: int, page: UUID
) -> tuple[str, int] | None:
    """Return why it was not kept, and the status of the page that says so."""
    try:
        draft_actions.keep_question(
            person=request.user,
            writing=writing,
            words=form.answer,
            place=CHECK if writing.has_seen_check else place,
            page=str(page),
            now=timezone.now(),
        )
    except NOT_SAVED as error:
        return refusal_of(error)
    return None


def _question_page(
    request: SignedInRequest,
    writing: OnTheWay,
    number: int,
    form: QuestionForm,
    *,
    page: UUID,
    status: int = 200,
) -> HttpResponse:
    """`page` is the id of the page that is made, or of the one that was sent."""
    numbers = list(writing.asked)
    context = _base(writing) | {
        "form": form,
        "question": form.questions[0],
        "number": numbers.index(number) + 1 if number in numbers else number,
        "total": len(numbers),
        "has_seen_check": writing.has_seen_check,
        "id": page,
        "device_key": device_copies_key(request.user),
    }
    return render(request, "healing/question.html", context, status=status)


def _base(writing: OnTheWay) -> dict[str, Any]:
    return {
        "step": writing.step,
        "exercise": writing.exercise,
        "address": writing.address,
        "exercise_address": writing.exercise_address,
        "pages": writing.contents.pages.values(),
    }


@require_http_methods(["GET", "HEAD", "POST"])
def check(request: SignedInRequest, step: Step, key: str, id: UUID | None = None) -> HttpResponse:
    """All answers on one page, to be changed or saved."""
    try:
        writing = on_the_way(request.user, step, key, id, locks=request.method == "POST")
    except CannotOpen:
        return cannot_open(request)
    exercise = writing.exercise
    if request.method != "POST" or exercise is None:
        elsewhere = _elsewhere(request, writing)
        return redirect(elsewhere) if elsewhere else _check_page(request, writing)
    if writing.draft is None:
        # Pressed twice, or saved in another tab.
        return redirect(writing.exercise_address)
    if "id" in request.POST and AnswerIdForm(request.POST).answer_id != writing.draft.pk:
        # The page is of a draft that was saved or deleted since; this one was not looked at.
        return redirect(writing.page(CHECK))
    form = ExerciseForm.of_answer(exercise, writing.fields)
    problem = _save(request, writing, exercise, form) if form.is_valid() else None
    if problem:
        form.add_error(None, problem[0])
    if form.errors:
        return _check_page(request, writing, form=form, status=problem[1] if problem else 422)
    return redirect(writing.exercise_address)


def _save(
    request: SignedInRequest, writing: OnTheWay, exercise: Exercise, form: ExerciseForm
) -> tuple[str, int] | None:
    """Return why it was not saved, and the status of the page that says so."""
    draft, use, now = writing.draft, measure(request.user.pk), timezone.now()
    if draft is None:
        return None
    if writing.answer is None and (
        problem := why_not_saved(
            request, writing.step, exercise, draft.pk, is_full=use.is_full, now=now
        )
    ):
        return problem, 422
    try:
        draft_actions.save_draft(
            person=request.user,
            writing=writing,
            draft=draft,
            exercise=exercise,
            answer=form.answer,
            now=now,
        )
    except NOT_SAVED as error:
        return refusal_of(error)
    if use.is_nearly_full:
        messages.warning(request, quota_nearly_full_message())
    kept = _("Your changes are saved.") if writing.answer else exercise.kept or _("Saved.")
    say_saved(request, kept, draft.pk)
    return None


def _check_page(
    request: SignedInRequest,
    writing: OnTheWay,
    *,
    form: ExerciseForm | None = None,
    status: int = 200,
) -> HttpResponse:
    exercise, fields = writing.exercise, writing.fields
    beyond = fields_beyond_form(exercise, fields) if exercise else fields
    context = _base(writing) | {
        "sentence": made_sentence(exercise, fields).text,
        "questions": [
            {
                "number": number,
                "label": asked.label,
                "shown": shown(asked, fields[asked.name]) if fields.get(asked.name) else None,
                "errors": _errors_of(form, asked),
            }
            for number, asked in writing.asked.items()
        ],
        "beyond": displayed_fields(exercise, beyond),
        "form": form,
        "has_draft": writing.draft is not None,
        "is_change": writing.answer is not None,
        "id": writing.draft.pk if writing.draft else uuid4(),
        "device_key": device_copies_key(request.user),
    }
    return render(request, "healing/check.html", context, status=status)


def _errors_of(form: ExerciseForm | None, question: Field) -> list[str]:
    """The errors of all form fields of a question."""
    if form is None:
        return []
    names: Set[str] = {name for name in form.errors if name.partition("-")[0] == question.name}
    return [str(error) for name in sorted(names) for error in form.errors[name]]


@require_http_methods(["GET", "HEAD", "POST"])
def discard(request: SignedInRequest, step: Step, key: str, id: UUID | None = None) -> HttpResponse:
    """Delete what was written on the way. A saved answer stays as it was."""
    if id:
        answers = Answer.objects.of(request.user).for_exercise(step.number, key)
        get_object_or_404(answers, pk=id)
    # Not opened: what cannot be opened can be deleted.
    drafts = Draft.objects.of(request.user).for_exercise(step.number, key).filter(answer=id)
    if request.method != "POST" and (pk := drafts.values_list("pk", flat=True).first()):
        context = {"step": step, "key": key, "exercise": step.exercise(key), "is_change": id}
        context["id"] = pk
        return render(request, "healing/discard.html", context)
    if "id" in request.POST:
        # The page may be older than the draft: another one was saved or deleted since.
        drafts = drafts.filter(pk=AnswerIdForm(request.POST).answer_id)
    if request.method == "POST" and drafts.delete()[0]:
        messages.info(request, _("It is deleted."))
    if step.exercise(key) is None:
        return redirect("healing:step", step)
    return redirect("healing:exercise", step, key)
