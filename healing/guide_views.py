"""Pages of the guide: texts, readings and steps."""

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.request_types import SignedInRequest
from healing import actions, markdown
from healing.guide import guide
from healing.guide_types import Step
from healing.models import StepMark
from healing.progress import work_on_step
from healing.step_mark_form import OPEN, StepMarkForm
from safety.post_only import post_only


def _public_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Open a view to visitors. Without a transaction it works while the database is down."""
    return login_not_required(require_safe(transaction.non_atomic_requests(view)))


@_public_page
def page(request: HttpRequest, slug: str) -> HttpResponse:
    page = guide().pages[slug]
    context = {"page": page, "words": page.html, "added": ""}
    if slug == "privacy" and settings.PRIVACY_TEXT:
        context["added"] = markdown.render(settings.PRIVACY_TEXT, anchor_prefix="theirs").html
    elif slug == "terms" and settings.TERMS_TEXT:
        context["words"] = markdown.render(settings.TERMS_TEXT).html
    return render(request, "healing/page.html", context)


@_public_page
def learn(request: HttpRequest) -> HttpResponse:
    return render(request, "healing/learn.html", {"readings": guide().readings.values()})


@_public_page
def reading(request: HttpRequest, slug: str) -> HttpResponse:
    readings = guide().readings
    if slug not in readings:
        raise Http404
    slugs = list(readings)
    following = readings.get(next(iter(slugs[slugs.index(slug) + 1 :]), ""))
    return render(
        request, "healing/reading.html", {"reading": readings[slug], "following": following}
    )


@_public_page
def step(request: HttpRequest, step: Step) -> HttpResponse:
    context: dict[str, object] = {
        "step": step,
        "following": guide().steps.get(step.number + 1),
    }
    if request.user.is_authenticated:
        work = work_on_step(request.user, step)
        context["mark"] = work.mark
        # Exercises that the guide no longer has.
        context["earlier"] = [key for key in work.answered if step.exercise(key) is None]
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
        StepMark.State.SETTLED: _("Settled for now. You can open it again whenever you like."),
        StepMark.State.ASIDE: _("Set aside. It stays where it is, and it waits for nothing."),
        OPEN: _("This step is open again."),
    }
    messages.info(request, confirmations[state])
    return redirect("healing:step", step)
