from typing import cast

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts import actions as account
from accounts.models import User
from healing.crossing import Stone, crossing
from home.forms import EraseForm, YouForm
from journal.models import Letter
from reminders.models import Schedule
from vault.sealing import CannotOpen

# The step whose exercise is the writing desk: it is begun once there is a letter.
DESK_STEP = 3
LETTERS_SHOWN = 3


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)


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


def _where_to_go_on(stones: list[Stone]) -> Stone | None:
    """The last step begun, else the first that is still open; None when nothing is begun yet."""
    begun = [stone for stone in stones if stone.state == "begun"]
    untouched = [stone for stone in stones if stone.state == "open"]
    if begun:
        return begun[-1]
    return untouched[0] if untouched and len(untouched) < len(stones) else None


@login_not_required
@require_safe
def start(request: HttpRequest) -> HttpResponse:
    return render(request, "home/start.html")


@require_safe
def today(request: HttpRequest) -> HttpResponse:
    person = _person(request)
    letters = list(Letter.objects.of(person).newest_first().defer("sealed")[:LETTERS_SHOWN])
    stones = crossing(person, also_begun=[DESK_STEP] if letters else [])
    context = {
        "name": _name_of(person),
        "greeting": _greeting(timezone.localtime().hour),
        "letters": letters,
        "stones": stones,
        "go_on": _where_to_go_on(stones),
        "untouched": all(stone.state == "open" for stone in stones),
        "schedule": Schedule.objects.of(person).first(),
    }
    return render(request, "home/today.html", context)


@require_safe
def progress(request: HttpRequest) -> HttpResponse:
    person = _person(request)
    has_letters = Letter.objects.of(person).exists()
    stones = crossing(person, also_begun=[DESK_STEP] if has_letters else [])
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
def you(request: HttpRequest) -> HttpResponse:
    person = _person(request)
    initial = {
        "name": _name_of(person),
        "time_zone": person.time_zone,
        "language": person.language,
    }
    form = YouForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_bound and form.is_valid():
        return _keep_preferences(request, form)
    schedule = Schedule.objects.of(person).first()
    return render(request, "home/you.html", {"form": form, "schedule": schedule})


def _keep_preferences(request: HttpRequest, form: YouForm) -> HttpResponse:
    try:
        account.keep_preferences(person=_person(request), now=timezone.now(), **form.cleaned_data)
    except CannotOpen:
        return render(request, "closed.html")
    messages.info(request, _("It is kept."))
    return redirect("home:you")


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    return render(request, "home/privacy.html")


@require_http_methods(["GET", "HEAD", "POST"])
def erase(request: HttpRequest) -> HttpResponse:
    person = _person(request)
    form = EraseForm(person, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        account.erase(person=person, now=timezone.now())
        logout(request)
        return redirect("home:goodbye")
    return render(request, "home/erase.html", {"form": form})


@login_not_required
@require_safe
def goodbye(request: HttpRequest) -> HttpResponse:
    return render(request, "home/goodbye.html")
