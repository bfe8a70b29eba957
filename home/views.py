from datetime import datetime

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts import actions as account_actions
from accounts.error_views import cannot_open
from accounts.mfa.reauthentication import may_try_password
from accounts.models import User
from accounts.request_types import SignedInRequest
from accounts.sessions.devices import clear_site_data
from healing.guide import guide
from healing.guide_types import Step
from healing.progress import StepStatus, step_statuses
from home.erase_form import EraseForm
from home.preferences_form import PreferencesForm
from journal.models import Letter
from reminders import actions as reminder_actions
from reminders.models import Schedule
from vault.sealing import CannotOpen


def _name_of(person: User) -> str:
    """What they want to be called. A name that cannot be opened must not take a page down."""
    try:
        return person.preferred_name
    except CannotOpen:
        return ""


def _greeting(hour: int) -> str:
    """`hour` is the local one, 0 to 23. The small hours still belong to the evening."""
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


def _step_statuses(person: User, letter_changed_at: datetime | None) -> list[StepStatus]:
    """A letter begins the step whose exercise is the desk."""
    begun = {guide().desk_step_number: letter_changed_at} if letter_changed_at else {}
    return step_statuses(person, begun_elsewhere=begun)


def _last_letter_change(person: User) -> datetime | None:
    letters = Letter.objects.on_shelf_of(person, timezone.now()).newest_first()
    changed_at: datetime | None = letters.values_list("changed_at", flat=True).first()
    return changed_at


@login_not_required
@require_safe
def start(request: HttpRequest) -> HttpResponse:
    return render(request, "home/start.html")


@require_safe
@transaction.non_atomic_requests
def today(request: SignedInRequest) -> HttpResponse:
    person = request.user
    now = timezone.now()
    shelf = Letter.objects.on_shelf_of(person, now).newest_first()
    letters = list(shelf.defer("sealed")[:3])
    statuses = _step_statuses(person, letters[0].changed_at if letters else None)
    context = {
        "name": _name_of(person),
        "greeting": _greeting(timezone.localtime().hour),
        "letters": letters,
        "now": now,
        "step_statuses": statuses,
        "next_step": _next_step(statuses),
        "untouched": all(status.state == "open" for status in statuses),
        "schedule": Schedule.objects.of(person).first(),
    }
    return render(request, "home/today.html", context)


@login_not_required
@require_safe
@transaction.non_atomic_requests
def steps(request: HttpRequest) -> HttpResponse:
    context: dict[str, object] = {"steps": guide().steps.values()}
    if request.user.is_authenticated:
        person = request.user
        context["step_statuses"] = _step_statuses(person, _last_letter_change(person))
    return render(request, "home/steps.html", context)


@require_safe
def progress(request: SignedInRequest) -> HttpResponse:
    person = request.user
    statuses = _step_statuses(person, _last_letter_change(person))
    groups = [
        (words, [status.step for status in statuses if status.state == state])
        for state, words in (
            ("begun", _("Begun")),
            ("settled", _("Settled for now")),
            ("aside", _("Set aside")),
        )
    ]
    context = {"groups": [(words, steps) for words, steps in groups if steps]}
    return render(request, "home/progress.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def you(request: SignedInRequest) -> HttpResponse:
    person = request.user
    initial = {
        "name": _name_of(person),
        "time_zone": person.time_zone,
        "language": person.language,
    }
    form = PreferencesForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_bound and form.is_valid():
        return _save_preferences(request, form)
    _warn_of_unreadable_name(request)
    schedule = Schedule.objects.of(person).first()
    return render(request, "home/you.html", {"form": form, "schedule": schedule})


def _warn_of_unreadable_name(request: SignedInRequest) -> None:
    """An empty field alone would look as if no name were stored."""
    try:
        bool(request.user.preferred_name)
    except CannotOpen:
        messages.warning(request, _("We cannot open your name. It is still stored."))


def _save_preferences(request: SignedInRequest, form: PreferencesForm) -> HttpResponse:
    person, now = request.user, timezone.now()
    name, language = form.cleaned_data["name"], form.cleaned_data["language"]
    try:
        account_actions.save_preferences(person=person, name=name, language=language, now=now)
    except CannotOpen:
        return cannot_open(request)
    reminder_actions.change_time_zone(person=person, zone=form.cleaned_data["time_zone"], now=now)
    messages.info(request, _("It is kept."))
    return redirect("home:you")


@require_safe
def privacy(request: SignedInRequest) -> HttpResponse:
    return render(request, "home/privacy.html")


@require_http_methods(["GET", "HEAD", "POST"])
def erase(request: SignedInRequest) -> HttpResponse:
    person = request.user
    form = EraseForm(person, request.POST if request.method == "POST" else None)
    # Otherwise this form would let someone guess the password without limit.
    if form.is_bound and not may_try_password(request, person):
        return render(request, "429.html", status=429)
    if form.is_bound and form.is_valid():
        account_actions.erase(person=person, now=timezone.now())
        logout(request)
        response = redirect("home:goodbye")
        clear_site_data(response)
        return response
    return render(request, "home/erase.html", {"form": form})


@login_not_required
@require_safe
def goodbye(request: HttpRequest) -> HttpResponse:
    return render(request, "home/goodbye.html")
