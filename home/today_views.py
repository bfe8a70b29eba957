"""Pages that show where a person is: Start, Today, the steps and their progress."""

from datetime import datetime

from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.request_types import SignedInRequest
from accounts.time_zones import NO_ZONE_CHOSEN
from healing.due_question import DueQuestion, due_question
from healing.guide import guide
from healing.guide_types import Step
from healing.progress import StepStatus, step_statuses
from home.displayed_name import displayed_name
from home.unsent_words import unsent_words
from journal.listed_letters import LISTED_FIELDS
from journal.shelf_letters import ShelfLetters
from reminders.models import DISPLAYED_FIELDS, Schedule
from safety import hidden_contact_exercises


def _greeting(person: User) -> str:
    """By their local time; the small hours still belong to the evening."""
    if person.time_zone == NO_ZONE_CHOSEN:
        return _("Hello")
    hour = timezone.localtime().hour
    if 5 <= hour < 12:
        return _("Good morning")
    return _("Good afternoon") if 12 <= hour < 18 else _("Good evening")


def _next_step(statuses: list[StepStatus]) -> Step | None:
    """The begun step touched last, else the first open one.

    None while every step is open, and once every step is marked.
    """
    begun = [status for status in statuses if status.state == "begun" and status.touched_at]
    untouched = [status for status in statuses if status.state == "open"]
    if begun:
        return max(begun, key=lambda status: (status.touched_at, status.step.number)).step
    return untouched[0].step if untouched and len(untouched) < len(statuses) else None


def _due_question(request: SignedInRequest, now: datetime) -> DueQuestion | None:
    hides_contact = hidden_contact_exercises.is_hidden(request.session, now=now)
    return due_question(request.user, now, hides_contact=hides_contact)


@login_not_required
@require_safe
def start(request: HttpRequest) -> HttpResponse:
    return render(request, "home/start.html")


@require_safe
@transaction.non_atomic_requests
def today(request: SignedInRequest) -> HttpResponse:
    person = request.user
    now = timezone.now()
    letters = ShelfLetters(person, now, fields=LISTED_FIELDS)[:3]
    statuses = step_statuses(person, now=now)
    unsent = unsent_words(person, now)
    context = {
        "name": displayed_name(person),
        "greeting": _greeting(person),
        "letters": letters,
        "now": now,
        "step_statuses": statuses,
        "next_step": _next_step(statuses),
        "untouched": all(status.state == "open" for status in statuses),
        "has_zone": person.time_zone != NO_ZONE_CHOSEN,
        "unsent": unsent,
        # One question at a time.
        "question": None if unsent else _due_question(request, now),
        "schedule": Schedule.objects.of(person).chosen().only(*DISPLAYED_FIELDS).first(),
    }
    return render(request, "home/today.html", context)


@login_not_required
@require_safe
@transaction.non_atomic_requests
def steps(request: HttpRequest) -> HttpResponse:
    context: dict[str, object] = {"steps": guide().steps.values()}
    if request.user.is_authenticated:
        context["step_statuses"] = step_statuses(request.user, now=timezone.now())
    return render(request, "home/steps.html", context)


@require_safe
def progress(request: SignedInRequest) -> HttpResponse:
    statuses = step_statuses(request.user, now=timezone.now())
    groups = [
        (words, [status.step for status in statuses if status.state == state])
        for state, words in (
            ("begun", _("Begun")),
            ("settled", _("Done for now")),
            ("aside", _("Skipped")),
        )
    ]
    context = {"groups": [(words, steps) for words, steps in groups if steps]}
    return render(request, "home/progress.html", context)
