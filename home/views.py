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

from accounts import actions as account
from accounts.error_views import cannot_open
from accounts.models import User
from accounts.rate_limits import may_guess
from accounts.request_types import SignedInRequest
from accounts.sessions.devices import empty
from healing.guide import guide
from healing.progress import StepStatus, crossing
from home.forms import EraseForm, YouForm
from journal.models import Letter, still_afloat
from reminders import actions as reminders
from reminders.models import Schedule
from vault.sealing import CannotOpen
from vault.statements import Statement

# What Today shows of letters and of reminders.
LETTERS = Statement(lambda owner, afloat: Letter.objects.of(owner).seen(afloat).unopened()[:3])
SCHEDULE = Statement(lambda owner: Schedule.objects.of(owner))


def _name_of(person: User) -> str:
    """What they want to be called; a name that cannot be opened is no reason to fail."""
    try:
        return person.called
    except CannotOpen:
        return ""


def _greeting(hour: int) -> str:
    """By their own clock (0 to 23). The small hours still belong to the evening."""
    if 5 <= hour < 12:
        return _("Good morning")
    return _("Good afternoon") if 12 <= hour < 18 else _("Good evening")


def _where_to_go_on(stones: list[StepStatus]) -> StepStatus | None:
    """The step they last wrote in, else the first that is open; None when nothing is touched."""
    begun = [stone for stone in stones if stone.state == "begun" and stone.touched_at]
    untouched = [stone for stone in stones if stone.state == "open"]
    if begun:
        return max(begun, key=lambda stone: (stone.touched_at, stone.step.number))
    return untouched[0] if untouched and len(untouched) < len(stones) else None


def _stones(person: User, letter_changed_at: datetime | None) -> list[StepStatus]:
    """The crossing, with the desk's step begun once there is a letter."""
    begun = {guide().desk: letter_changed_at} if letter_changed_at else {}
    return crossing(person, begun_elsewhere=begun)


def _last_letter(person: User) -> datetime | None:
    """When a letter was last changed."""
    seen = Letter.objects.of(person).seen(still_afloat(timezone.now()))
    return next((letter.changed_at for letter in seen.unopened()[:1]), None)


@login_not_required
@require_safe
def start(request: HttpRequest) -> HttpResponse:
    return render(request, "home/start.html")


@require_safe
@transaction.non_atomic_requests
def today(request: SignedInRequest) -> HttpResponse:
    person = request.user
    now = timezone.now()
    letters = LETTERS.rows(person.pk, still_afloat(now))
    stones = _stones(person, letters[0].changed_at if letters else None)
    context = {
        "name": _name_of(person),
        "greeting": _greeting(timezone.localtime().hour),
        "letters": letters,
        "now": now,
        "stones": stones,
        "go_on": _where_to_go_on(stones),
        "untouched": all(stone.state == "open" for stone in stones),
        "schedule": SCHEDULE.first(person.pk),
    }
    return render(request, "home/today.html", context)


@login_not_required
@require_safe
@transaction.non_atomic_requests
def steps(request: HttpRequest) -> HttpResponse:
    context: dict[str, object] = {"steps": guide().steps.values()}
    if request.user.is_authenticated:
        context["stones"] = _stones(request.user, _last_letter(request.user))
    return render(request, "home/steps.html", context)


@require_safe
def progress(request: SignedInRequest) -> HttpResponse:
    person = request.user
    stones = _stones(person, _last_letter(person))
    groups = [
        (words, [stone.step for stone in stones if stone.state == state])
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
    form = YouForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_bound and form.is_valid():
        return _keep_preferences(request, form)
    _say_if_closed(request)
    schedule = Schedule.objects.of(person).first()
    return render(request, "home/you.html", {"form": form, "schedule": schedule})


def _say_if_closed(request: SignedInRequest) -> None:
    """An empty field alone would look as if there were no name."""
    try:
        bool(request.user.called)
    except CannotOpen:
        messages.warning(request, _("We cannot open your name. It is still stored."))


def _keep_preferences(request: SignedInRequest, form: YouForm) -> HttpResponse:
    person, now = request.user, timezone.now()
    zone = person.time_zone
    try:
        account.keep_preferences(person=person, now=now, **form.cleaned_data)
    except CannotOpen:
        return cannot_open(request)
    if person.time_zone != zone:
        reminders.time_zone_changed(person=person, now=now)
    messages.info(request, _("It is kept."))
    return redirect("home:you")


@require_safe
def privacy(request: SignedInRequest) -> HttpResponse:
    return render(request, "home/privacy.html")


@require_http_methods(["GET", "HEAD", "POST"])
def erase(request: SignedInRequest) -> HttpResponse:
    person = request.user
    form = EraseForm(person, request.POST if request.method == "POST" else None)
    # As many guesses as at every other door that asks for the password.
    if form.is_bound and not may_guess(request, person):
        return render(request, "429.html", status=429)
    if form.is_bound and form.is_valid():
        account.erase(person=person, now=timezone.now())
        logout(request)
        response = redirect("home:goodbye")
        empty(response)
        return response
    return render(request, "home/erase.html", {"form": form})


@login_not_required
@require_safe
def goodbye(request: HttpRequest) -> HttpResponse:
    return render(request, "home/goodbye.html")
