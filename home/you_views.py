"""Pages about the person: their name and place, privacy, and erasing the account."""

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts import actions as account_actions
from accounts import erasure
from accounts import guide_settings as settings_of_guide
from accounts.error_views import cannot_open
from accounts.request_types import SignedInRequest
from accounts.sessions.devices import clear_device
from healing.exercises_left_out import WHY
from healing.guide import guide
from home.displayed_name import displayed_name
from home.erase_form import EraseForm
from home.guide_settings_form import GuideSettingsForm
from home.preferences_form import PreferencesForm
from reminders import actions as reminder_actions
from reminders.models import Schedule
from vault.sealing import CannotOpen


@require_http_methods(["GET", "HEAD", "POST"])
def you(request: SignedInRequest) -> HttpResponse:
    person = request.user
    initial = {
        "name": displayed_name(person),
        "time_zone": person.time_zone,
        "language": person.active_language,
        "checks_spelling": person.checks_spelling,
    }
    form = PreferencesForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_bound and form.is_valid():
        return _save_preferences(request, form)
    _warn_of_unreadable_name(request)
    schedule = Schedule.objects.of(person).chosen().first()
    return render(request, "home/you.html", {"form": form, "schedule": schedule})


def _warn_of_unreadable_name(request: SignedInRequest) -> None:
    """An empty field alone would look as if no name were stored."""
    try:
        bool(request.user.preferred_name)
    except CannotOpen:
        messages.warning(request, _("We cannot open your name. It is still stored."))


def _save_preferences(request: SignedInRequest, form: PreferencesForm) -> HttpResponse:
    person, now = request.user, timezone.now()
    chosen = {each: form.cleaned_data[each] for each in ("name", "checks_spelling")}
    # Without a choice it stays as it is.
    language = form.cleaned_data.get("language", person.language)
    try:
        account_actions.save_preferences(person=person, **chosen, language=language, now=now)
    except CannotOpen:
        return cannot_open(request)
    reminder_actions.change_time_zone(person=person, zone=form.cleaned_data["time_zone"], now=now)
    with translation.override(person.active_language):
        messages.info(request, _("Saved."))
    return redirect("home:you")


@require_http_methods(["GET", "HEAD", "POST"])
def guide_settings(request: SignedInRequest) -> HttpResponse:
    """What somebody says about themselves once, so that the guide can spare them something."""
    person, form = request.user, GuideSettingsForm(request.POST)
    if request.method == "POST" and form.is_valid():
        try:
            settings_of_guide.set_asks_why(person, **form.cleaned_data)
        except CannotOpen:
            return cannot_open(request)
        return redirect("home:guide_settings")
    exercises = [each for _step, each in guide().exercises]
    context = {
        "asks_why": settings_of_guide.asks_why(person),
        "can_open": settings_of_guide.can_open(person),
        "left_out": [each for each in exercises if WHY in each.not_after],
        "first": [each for each in exercises if WHY in each.first_after],
    }
    return render(request, "home/guide_settings.html", context)


@require_safe
def privacy(request: SignedInRequest) -> HttpResponse:
    return render(request, "home/privacy.html")


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.non_atomic_requests
def erase(request: SignedInRequest) -> HttpResponse:
    person = request.user
    form = EraseForm(person, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        erasure.erase(person=person, now=timezone.now())
        logout(request)
        response = redirect("home:goodbye")
        clear_device(request, response)
        return response
    status = 429 if form.is_bound and form.is_rate_limited else 200
    return render(request, "home/erase.html", {"form": form}, status=status)


@login_not_required
@require_safe
def goodbye(request: HttpRequest) -> HttpResponse:
    return render(request, "home/goodbye.html")
