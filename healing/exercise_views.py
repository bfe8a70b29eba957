"""Pages of exercises and of the answers to them."""

from collections.abc import Set
from datetime import datetime
from typing import Any, cast
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Page
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods
from django_permissions_policy.decorators import permissions_policy_override

from accounts.device_copies_key import device_copies_key
from accounts.error_views import (
    cannot_open,
    not_saved_message,
    quota_exceeded_message,
    quota_nearly_full_message,
)
from accounts.lazy_count_paginator import LazyCountPaginator
from accounts.request_types import SignedInRequest
from accounts.returned_forms import keep_waiting
from healing import actions
from healing.displayed_answer import display_answer
from healing.drafts import latest_draft
from healing.exercise_addresses import address_of
from healing.exercise_availability import availability
from healing.exercise_forms import AnswerIdForm, ExerciseForm
from healing.exercises_left_out import SAFETY, exercises_left_out, guards_held, is_left_out
from healing.guide_types import Exercise, Step
from healing.models import Answer, Draft
from healing.progress import WayOn, way_on
from healing.rendered_fields import rendered_fields
from healing.visitor_views import visitor_earlier_exercise, visitor_exercise
from safety.form_of_this_visit import visit
from vault.sealing import CannotOpen
from vault.storage_quota import QuotaExceeded, measure

ANSWERS_PER_PAGE = 20
# The button beside the choices of a follow-up. No choice has this name: they are words.
STOP_ASKING = "-"


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.non_atomic_requests
def exercise(request: HttpRequest, step: Step, key: str) -> HttpResponse:
    """Anyone can read it. To save it takes an account, or an exercise that is public."""
    exercise = step.exercise(key)
    if exercise is None:
        return _earlier_exercise(request, step, key)
    is_post = request.method == "POST"
    held = guards_held(request, now=timezone.now())
    # Words that were typed before it was left out are saved like any others.
    if not is_post and _has_no_page_now(exercise, held):
        context = {"step": step, "by_wish": not is_left_out(exercise, held & {SAFETY})}
        return render(request, "healing/left_out.html", context)
    if exercise.desk or exercise.piece:
        keep_waiting(request)
        return redirect(address_of(exercise, step))
    if not request.user.is_authenticated:
        return visitor_exercise(request, step, exercise)
    signed_in = cast(SignedInRequest, request)
    if not is_post:
        return _exercise_page(signed_in, step, exercise, id=uuid4())
    form, id = ExerciseForm(exercise, request.POST), AnswerIdForm(request.POST).answer_id
    if form.is_valid() and not form.asks_more:
        return _save_answer(signed_in, step, form, id)
    return _exercise_page(signed_in, step, exercise, id=id, form=form)


def _has_no_page_now(exercise: Exercise, held: Set[str]) -> bool:
    """Whether it is left out. By somebody's own wish a form is, and what they saved is not."""
    return is_left_out(exercise, held if exercise.desk else held & {SAFETY})


def _save_answer(
    request: SignedInRequest, step: Step, form: ExerciseForm, id: UUID
) -> HttpResponse:
    exercise, use, now = form.exercise, measure(request.user.pk), timezone.now()
    try:
        if problem := why_not_saved(request, step, exercise, id, is_full=use.is_full, now=now):
            form.add_error(None, problem)
            return _exercise_page(request, step, exercise, id=id, form=form, status=422)
        actions.save_answer(
            person=request.user,
            id=id,
            step=step,
            exercise=exercise,
            answer=form.answer,
            now=now,
        )
    except CannotOpen:
        form.add_error(None, not_saved_message())
        return _exercise_page(request, step, exercise, id=id, form=form, status=503)
    if use.is_nearly_full:
        messages.warning(request, quota_nearly_full_message())
    say_saved(request, exercise.kept or _("Saved."), id)
    return redirect("healing:exercise", step, exercise.key)


def why_not_saved(
    request: SignedInRequest,
    step: Step,
    exercise: Exercise,
    id: UUID,
    *,
    is_full: bool,
    now: datetime,
) -> str:
    """Why no other answer can be saved; empty if it can, or if this one was saved before."""
    is_open = availability(request.user, step, exercise, now).is_open
    if (is_open and not is_full) or actions.is_saved(person=request.user, id=id):
        return ""
    if is_full:
        return quota_exceeded_message()
    return _("No other answer can be saved here today. Your words are still on this page.")


def say_saved(request: SignedInRequest, text: str, id: UUID) -> None:
    """The next page also learns which answer was saved, and deletes its copy from the device."""
    messages.info(request, text, extra_tags=str(id))


def _exercise_page(
    request: SignedInRequest,
    step: Step,
    exercise: Exercise,
    *,
    id: UUID,
    form: ExerciseForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """Without a form it is blank. `id` is that of the answer which the page will send."""
    now = timezone.now()
    available = availability(request.user, step, exercise, now)
    is_left_out_now = is_left_out(exercise, guards_held(request, now=now))
    saved, answers = _saved_just_now(request), _page_of_answers(request, step, exercise.key)
    context = {
        "available": available,
        "saved": saved,
        # What is made for a dangerous night is found before anything that asks for more.
        "answers_first": bool(answers.object_list) and (saved or exercise.lines_first),
        "way_on": _way_on(request, step, exercise) if saved else None,
        "is_left_out": is_left_out_now,
        "is_form_shown": (available.is_open and not is_left_out_now) or form is not None,
        "shows_words": not exercise.keeps_closed or available.is_closed,
        # The one look back is asked for: old words come to nobody by themselves.
        "is_folded": exercise.keeps_closed and available.is_closed,
        "step": step,
        "exercise": exercise,
        "form": form,
        "fields": rendered_fields(exercise, form),
        "id": id,
        "visit": visit(request),
        "device_key": device_copies_key(request.user),
        "answers": answers,
    }
    if exercise.question_a_page and form is None:
        context["asks_one_by_one"] = True
        context["go_on"] = latest_draft(request.user, step, exercise.key)
    render_page = _render_with_clipboard if exercise.copies else render
    return render_page(request, "healing/exercise.html", context, status=status)


@permissions_policy_override({**settings.PERMISSIONS_POLICY, "clipboard-write": ["self"]})
def _render_with_clipboard(
    request: HttpRequest, template: str, context: dict[str, Any], *, status: int
) -> HttpResponse:
    """Let the copy button of this page write to the clipboard. No other page may."""
    return render(request, template, context, status=status)


def _way_on(request: SignedInRequest, step: Step, exercise: Exercise) -> WayOn:
    left_out = exercises_left_out(step, guards_held(request, now=timezone.now()))
    return way_on(request.user, step, exercise, left_out=left_out)


def _saved_just_now(request: SignedInRequest) -> bool:
    """Whether this page follows a save. The message that tells so stays, to be shown."""
    storage = cast(Any, messages.get_messages(request))
    has_saved = any(_is_uuid(message.extra_tags) for message in storage)
    storage.used = False
    return has_saved


def _is_uuid(tag: str) -> bool:
    """Whether this is the tag of `say_saved`; other messages may have tags of words."""
    try:
        UUID(tag)
    except ValueError:
        return False
    return True


def _earlier_exercise(request: HttpRequest, step: Step, key: str) -> HttpResponse:
    """An exercise that the guide no longer has: its answers can be read and deleted."""
    if not request.user.is_authenticated:
        return visitor_earlier_exercise(request, step, key)
    signed_in = cast(SignedInRequest, request)
    answers, begun = _page_of_answers(signed_in, step, key), latest_draft(request.user, step, key)
    if not (answers or begun) or request.method == "POST":
        raise Http404
    context = {"step": step, "key": key, "answers": answers, "go_on": begun}
    return render(request, "healing/exercise_earlier.html", context)


def _page_of_answers(request: SignedInRequest, step: Step, key: str) -> Page[Any]:
    rows = Answer.objects.of(request.user).for_exercise(step.number, key).newest_first()
    page: Page[Any] = LazyCountPaginator(rows, ANSWERS_PER_PAGE).get_page(request.GET.get("page"))
    exercise = step.exercise(key)
    page.object_list = [
        display_answer(person=request.user, row=row, exercise=exercise) for row in page.object_list
    ]
    return page


@require_http_methods(["GET", "HEAD", "POST"])
def answer(request: SignedInRequest, step: Step, key: str, id: UUID) -> HttpResponse:
    """Change a saved answer."""
    row = _get_answer_or_404(request, step, key, id)
    exercise = step.exercise(key)
    if exercise is None:
        raise Http404
    held = guards_held(request, now=timezone.now()) & {SAFETY}
    if request.method != "POST" and is_left_out(exercise, held):
        return render(request, "healing/left_out.html", {"step": step, "by_wish": False})
    if request.method != "POST" and _is_asked_one_by_one(exercise, row):
        return redirect("healing:check", step, key, id)
    try:
        contents = row.open(request.user.key)
    except CannotOpen:
        return cannot_open(request)
    data = request.POST if request.method == "POST" else None
    form = ExerciseForm(exercise, data, answer=contents.fields)
    if form.is_bound and form.is_valid() and not form.asks_more:
        try:
            return _change_answer(request, step, row, form)
        except QuotaExceeded:
            form.add_error(None, quota_exceeded_message())
    context = {
        "step": step,
        "exercise": exercise,
        "form": form,
        "row": row,
        "device_key": device_copies_key(request.user),
    }
    status = 422 if form.non_field_errors() else 200
    return render(request, "healing/answer.html", context, status=status)


def _is_asked_one_by_one(exercise: Exercise, row: Answer) -> bool:
    """Also if it is so no longer, and a change was begun while it was."""
    return exercise.question_a_page or Draft.objects.of(row.owner_id).filter(answer=row).exists()


def _change_answer(
    request: SignedInRequest, step: Step, row: Answer, form: ExerciseForm
) -> HttpResponse:
    actions.change_answer(
        person=request.user, row=row, exercise=form.exercise, answer=form.answer, now=timezone.now()
    )
    say_saved(request, _("Your changes are saved."), row.pk)
    return redirect("healing:exercise", step, form.exercise.key)


@require_http_methods(["GET", "HEAD", "POST"])
def follow_up(request: SignedInRequest, step: Step, key: str, id: UUID) -> HttpResponse:
    """Keep what became of an answer, or ask about it no more."""
    row, said = _get_answer_or_404(request, step, key, id), request.POST.get("said", "")
    if request.method != "POST":
        return redirect("healing:answer", step, key, id)
    exercise = step.exercise(key)
    asked = exercise.follow_up if exercise else None
    if said in {choice.key for choice in asked.choices} if asked else set():
        try:
            actions.record_follow_up(person=request.user, row=row, said=said, now=timezone.now())
        except CannotOpen:
            return cannot_open(request)
        messages.info(request, _("Saved with what you wrote. Any answer is fine."))
    elif said == STOP_ASKING:
        actions.stop_asking(row=row)
        messages.info(request, _("You will not be asked about this any more."))
    else:
        messages.error(request, _("That choice is not one of these. Nothing was changed."))
    return redirect("home:today")


@require_http_methods(["GET", "HEAD", "POST"])
def answer_delete(request: SignedInRequest, step: Step, key: str, id: UUID) -> HttpResponse:
    row = _get_answer_or_404(request, step, key, id)
    if request.method == "POST":
        row.delete()
        messages.info(request, _("It is deleted."))
        return redirect("healing:step", step)
    context = {"step": step, "exercise": step.exercise(key), "row": row}
    return render(request, "healing/answer_delete.html", context)


def _get_answer_or_404(request: SignedInRequest, step: Step, key: str, answer_id: UUID) -> Answer:
    answers = Answer.objects.of(request.user).for_exercise(step.number, key)
    if request.method == "POST":
        # Another tab may delete the row while this one changes it: lock it.
        answers = answers.select_for_update()
    answer: Answer = get_object_or_404(answers, pk=answer_id)
    return answer
