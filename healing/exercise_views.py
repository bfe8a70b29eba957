"""Pages of exercises and of the answers to them."""

from collections.abc import Set
from datetime import datetime
from functools import partial
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
    quota_exceeded_message,
    quota_nearly_full_message,
)
from accounts.lazy_count_paginator import LazyCountPaginator
from accounts.not_saved import NOT_SAVED, refusal_of
from accounts.request_types import SignedInRequest
from accounts.returned_forms import keep_waiting
from healing import actions
from healing.actions import ChangedMeanwhile
from healing.changed_exercise import changed_exercise, has_changed
from healing.displayed_answer import display_answer
from healing.drafts import latest_draft
from healing.exercise_addresses import address_of
from healing.exercise_availability import Availability, availability
from healing.exercise_forms import AnswerIdForm, ExerciseForm
from healing.exercises_left_out import SAFETY, exercises_left_out, guards_held, is_left_out
from healing.guide_types import Exercise, Step
from healing.models import Answer, Draft
from healing.progress import WayOn, way_on
from healing.rendered_fields import rendered_fields
from healing.saved_state import saved_state
from healing.visitor_views import visitor_earlier_exercise, visitor_exercise
from safety.form_of_this_visit import visit
from vault.sealing import CannotOpen
from vault.storage_quota import measure

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
    form, page = ExerciseForm(exercise, request.POST), AnswerIdForm(request.POST)
    if has_changed(request, form):
        return changed_exercise(request, step, form)
    if form.is_valid() and not form.asks_more:
        return _save_answer(signed_in, step, form, page.answer_id, shown=page.shown)
    return _exercise_page(signed_in, step, exercise, id=page.answer_id, form=form, shown=page.shown)


def _has_no_page_now(exercise: Exercise, held: Set[str]) -> bool:
    """Whether it is left out. By somebody's own wish a form is, and what they saved is not."""
    return is_left_out(exercise, held if exercise.desk else held & {SAFETY})


def _save_answer(
    request: SignedInRequest, step: Step, form: ExerciseForm, id: UUID, *, shown: str
) -> HttpResponse:
    exercise, use, now = form.exercise, measure(request.user.pk), timezone.now()
    give_back = partial(_exercise_page, request, step, exercise, id=id, form=form)
    try:
        if problem := why_not_saved(request, step, exercise, id, is_full=use.is_full, now=now):
            form.add_error(None, problem)
            return give_back(shown=shown, status=422)
        actions.save_answer(
            person=request.user,
            id=id,
            step=step,
            exercise=exercise,
            answer=form.answer,
            now=now,
            shown=shown,
        )
    except NOT_SAVED as error:
        message, status = refusal_of(error)
        form.add_error(None, message)
        return give_back(shown=shown, status=status)
    except ChangedMeanwhile as changed:
        _show_both(request, form, changed.row)
        return give_back(shown=changed.state, status=409)
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
    available = availability(request.user, step, exercise, now)
    if (available.is_open and not is_full) or actions.is_saved(person=request.user, id=id):
        return ""
    if is_full:
        return quota_exceeded_message()
    if available.is_closed:
        return _(
            "It has come to its end, and no other answer can be saved here. Your words are still"
            " on this page, to be copied."
        )
    return _("No other answer can be saved here today. Your words are still on this page.")


def _show_both(request: SignedInRequest, form: ExerciseForm, saved: Answer) -> None:
    """Let the form show what is saved now above what was sent."""
    form.newer = display_answer(person=request.user, row=saved, exercise=form.exercise)
    message = _(
        "This answer was saved meanwhile with other words, so what you sent is not saved yet. Both"
        " versions are here: first the one that is saved, and below it yours."
    )
    form.add_error(None, message)


def say_saved(request: SignedInRequest, text: str, id: UUID) -> None:
    """The next page also learns which copy on the device has the words that were just saved."""
    copy = AnswerIdForm(request.POST).device_copy
    messages.info(request, text, extra_tags=f"{id} {copy}".strip())


def _exercise_page(
    request: SignedInRequest,
    step: Step,
    exercise: Exercise,
    *,
    id: UUID,
    form: ExerciseForm | None = None,
    shown: str = "",
    status: int = 200,
) -> HttpResponse:
    """Without a form it is blank, and one that is given back is not folded away. `id` is that of
    the answer that it will send, `shown` the `saved_state` of the words that it will replace."""
    now, answers = timezone.now(), _page_of_answers(request, step, exercise.key)
    available = availability(request.user, step, exercise, now)
    is_left_out_now = is_left_out(exercise, guards_held(request, now=now))
    saved = form is None and _saved_just_now(request)
    context: dict[str, Any] = {
        "available": available,
        "saved": saved,
        # What is made for a dangerous night is found before anything that asks for more.
        "answers_first": bool(answers.object_list) and (saved or exercise.lines_first),
        "way_on": _way_on(request, step, exercise) if saved else None,
        "is_left_out": is_left_out_now,
        "is_form_shown": (available.is_open and not is_left_out_now) or form is not None,
        **_look_back(exercise, available),
        "step": step,
        "exercise": exercise,
        "form": form,
        "fields": rendered_fields(exercise, form),
        "id": id,
        "shown": shown,
        "visit": visit(request),
        "device_key": device_copies_key(request.user),
        "answers": answers,
    }
    if exercise.question_a_page and form is None:
        context["asks_one_by_one"] = True
        context["go_on"] = latest_draft(request.user, step, exercise.key)
    render_page = _render_with_clipboard if exercise.copies else render
    return render_page(request, "healing/exercise.html", context, status=status)


def _look_back(exercise: Exercise, available: Availability) -> dict[str, bool]:
    """The one look back is asked for: old words come to nobody by themselves."""
    is_folded = exercise.keeps_closed and available.is_closed
    return {"shows_words": is_folded or not exercise.keeps_closed, "is_folded": is_folded}


@permissions_policy_override({**settings.PERMISSIONS_POLICY, "clipboard-write": ["self"]})
def _render_with_clipboard(
    request: HttpRequest, template: str, context: dict[str, Any], *, status: int
) -> HttpResponse:
    """Let the copy button of this page write to the clipboard. No other page may."""
    return render(request, template, context, status=status)


def _way_on(request: SignedInRequest, step: Step, exercise: Exercise) -> WayOn:
    now = timezone.now()
    left_out = exercises_left_out(step, guards_held(request, now=now))
    return way_on(request.user, step, exercise, left_out=left_out, now=now)


def _saved_just_now(request: SignedInRequest) -> bool:
    """Whether this page follows a save. The message that tells so stays, to be shown."""
    storage = cast(Any, messages.get_messages(request))
    has_saved = any(_is_uuid(message.extra_tags.partition(" ")[0]) for message in storage)
    storage.used = False
    return has_saved


def _is_uuid(tag: str) -> bool:
    """Whether this is a tag of `say_saved`; other messages may have tags of words."""
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
    context["device_key"] = device_copies_key(request.user)
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
    if request.method != "POST":
        form = ExerciseForm(exercise, answer=contents.fields)
        shown = saved_state(request.user, contents.fields)
        return _answer_page(request, step, row, form, shown=shown)
    form = ExerciseForm(exercise, request.POST, answer=contents.fields)
    if has_changed(request, form):
        return changed_exercise(request, step, form)
    if form.is_valid() and not form.asks_more:
        return _change_answer(request, step, row, form)
    shown, status = AnswerIdForm(request.POST).shown, 422 if form.non_field_errors() else 200
    return _answer_page(request, step, row, form, shown=shown, status=status)


def _answer_page(
    request: SignedInRequest,
    step: Step,
    row: Answer,
    form: ExerciseForm,
    *,
    shown: str,
    status: int = 200,
) -> HttpResponse:
    """`shown` as in `_exercise_page`."""
    context = {
        "step": step,
        "exercise": form.exercise,
        "form": form,
        "row": row,
        "shown": shown,
        "device_key": device_copies_key(request.user),
    }
    return render(request, "healing/answer.html", context, status=status)


def _is_asked_one_by_one(exercise: Exercise, row: Answer) -> bool:
    """Also if it is so no longer, and a change was begun while it was."""
    return exercise.question_a_page or Draft.objects.of(row.owner_id).filter(answer=row).exists()


def _change_answer(
    request: SignedInRequest, step: Step, row: Answer, form: ExerciseForm
) -> HttpResponse:
    shown = AnswerIdForm(request.POST).shown
    give_back = partial(_answer_page, request, step, row, form)
    try:
        actions.change_answer(
            person=request.user,
            row=row,
            exercise=form.exercise,
            answer=form.answer,
            now=timezone.now(),
            shown=shown,
        )
    except NOT_SAVED as error:
        message, status = refusal_of(error)
        form.add_error(None, message)
        return give_back(shown=shown, status=status)
    except ChangedMeanwhile as changed:
        _show_both(request, form, changed.row)
        return give_back(shown=changed.state, status=409)
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
    if request.method == "POST":
        if not actions.delete_answer(person=request.user, step=step, key=key, id=id):
            raise Http404
        messages.info(request, _("It is deleted."))
        return redirect("healing:step", step)
    row = _get_answer_or_404(request, step, key, id)
    context = {"step": step, "exercise": step.exercise(key), "row": row}
    return render(request, "healing/answer_delete.html", context)


def _get_answer_or_404(request: SignedInRequest, step: Step, key: str, answer_id: UUID) -> Answer:
    answers = Answer.objects.of(request.user).for_exercise(step.number, key)
    if request.method == "POST":
        # Another tab may delete the row while this one changes it: lock it.
        answers = answers.select_for_update()
    answer: Answer = get_object_or_404(answers, pk=answer_id)
    return answer
