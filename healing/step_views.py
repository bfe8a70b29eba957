from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.request_types import SignedInRequest
from healing import actions
from healing.exercises_left_out import (
    SAFETY,
    WHY,
    exercises_left_out,
    exercises_offered,
    guards_held,
)
from healing.guide import guide
from healing.guide_types import Step
from healing.models import StepMark
from healing.progress import work_on_step
from healing.public_page import public_page
from healing.step_mark_form import OPEN, StepMarkForm
from safety.post_only import post_only


@public_page
def step(request: HttpRequest, step: Step) -> HttpResponse:
    held = guards_held(request, now=timezone.now())
    exercises, left_out = exercises_offered(step, held), exercises_left_out(step, held)
    offered = (each for each in exercises if each not in left_out)
    if request.user.is_anonymous:
        # Pieces may need an account; the forms of exercises can be tried without one.
        offered = (each for each in offered if not each.piece)
    context: dict[str, object] = {
        "step": step,
        "exercises": exercises,
        "first": next(offered, None),
        "following": guide().steps.get(step.number + 1),
        "left_out": exercises_left_out(step, held & {SAFETY}),
        "left_out_by_wish": exercises_left_out(step, held & {WHY}),
        "better_left_out": exercises_left_out(step, {WHY} - held),
    }
    if request.user.is_authenticated:
        work = work_on_step(request.user, step)
        context["mark"] = work.mark
        context["answered"] = work.answered
        # Drafts of new answers. One that changes an answer is reached from that answer.
        context["begun"] = work.begun
        # Exercises that the guide no longer has, and those that no longer have a question a page:
        # what was begun there has no other way to it.
        found = {key: step.exercise(key) for key in sorted({*work.answered, *work.begun})}
        context["earlier"] = [key for key, exercise in found.items() if exercise is None]
        context["unfinished"] = [
            key for key in work.begun if (other := found[key]) and not other.question_a_page
        ]
    return render(request, "healing/step.html", context)


@post_only("healing:step")
def mark(request: SignedInRequest, step: Step) -> HttpResponse:
    form = StepMarkForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("That choice is not one of the three. Nothing was changed."))
        return redirect("healing:step", step)
    state = form.cleaned_data["state"]
    if state == OPEN:
        actions.unmark_step(person=request.user, step=step)
    else:
        actions.mark_step(
            person=request.user, step=step, state=StepMark.State(state), now=timezone.now()
        )
    confirmations = {
        StepMark.State.SETTLED: _("Done for now. You can open it again whenever you like."),
        StepMark.State.ASIDE: _("Skipped. It stays where it is, and it waits for nothing."),
        OPEN: _("This step is open again."),
    }
    messages.info(request, confirmations[state])
    return redirect("healing:step", step)
