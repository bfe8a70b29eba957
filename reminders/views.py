from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.request_types import SignedInRequest
from accounts.time_zones import NO_ZONE_CHOSEN
from mail.quiet_hours import HOUR_LABELS
from reminders import actions, emails
from reminders.forms import RemindersForm
from reminders.models import Schedule, new_token
from safety.post_only import post_only


@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: SignedInRequest) -> HttpResponse:
    schedule = Schedule.objects.of(request.user).first()
    data = request.POST if request.method == "POST" else None
    form = RemindersForm(data, initial=_initial(request.user, schedule))
    if request.method == "POST" and form.is_valid():
        hour, zone = form.cleaned_data["hour"], form.cleaned_data["zone"]
        actions.turn_on(person=request.user, hour=hour, zone=zone, now=timezone.now())
        messages.success(
            request, _("Reminders are on, around %(hour)s.") % {"hour": HOUR_LABELS[hour]}
        )
        return redirect("reminders:choose")
    first = emails.note(1, schedule.token if schedule else new_token())
    context = {
        "form": form,
        "schedule": None if schedule and schedule.is_turned_off else schedule,
        "subject": first.subject,
        "text": first.text,
    }
    return render(request, "reminders/choose.html", context)


def _initial(person: User, schedule: Schedule | None) -> dict[str, object]:
    if schedule:
        return {"hour": schedule.hour, "zone": person.time_zone}
    return {"zone": "" if person.time_zone == NO_ZONE_CHOSEN else person.time_zone}


@post_only("reminders:choose")
def off(request: SignedInRequest) -> HttpResponse:
    actions.turn_off(Schedule.objects.of(request.user), now=timezone.now())
    messages.success(request, _("Reminders are off. Nothing more will come."))
    return redirect("reminders:choose")


@post_only("reminders:choose")
def pause(request: SignedInRequest) -> HttpResponse:
    actions.pause(Schedule.objects.of(request.user), now=timezone.now())
    messages.success(request, _("No reminder comes within the next week."))
    return redirect("reminders:choose")


# Mail programs POST here without cookies (RFC 8058), hence no CSRF token, and take any answer but
# 200 for a link that does not work. Link scanners GET it, so a GET changes nothing.
@login_not_required
@csrf_exempt
@require_http_methods(["GET", "HEAD", "OPTIONS", "POST"])
def stop(request: HttpRequest, token: str) -> HttpResponse:
    schedules = Schedule.objects.with_token(token)
    if request.method == "POST":
        actions.turn_off(schedules, now=timezone.now())
    return render(request, "reminders/stop.html", {"schedule": schedules.first()})
