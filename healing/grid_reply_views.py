from uuid import uuid4

from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from healing.grid_reply import grid_of, posted_choices, reply_words
from healing.guide_types import Step
from healing.visitor_views import can_save
from safety.form_of_this_visit import is_of_this_visit
from safety.post_only import post_only


@login_not_required
@post_only("healing:exercise")
@transaction.non_atomic_requests
def reply(request: HttpRequest, step: Step, key: str) -> HttpResponse:
    """Say something to what was ticked. It is stored only if it is sent again by Save."""
    exercise = step.exercise(key)
    if exercise is None or exercise.reply is None:
        raise Http404
    if not is_of_this_visit(request):
        # A browser may repeat the post of somebody who is not there any more: show nothing of it.
        return redirect("healing:exercise", step, key)
    said = posted_choices(grid_of(exercise), request.POST)
    context = {
        "step": step,
        "exercise": exercise,
        "words": reply_words(exercise.reply, said),
        "said": said,
        "can_save": request.user.is_authenticated or can_save(request, exercise),
        "id": uuid4(),
    }
    return render(request, "healing/reply.html", context)
