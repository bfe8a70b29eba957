"""A hard moment: the page on which a message is written and not sent, while ten minutes pass.

Its words and times are in `pause`; what helps meanwhile comes from every room (ADR 34).
"""

from itertools import permutations
from uuid import UUID, uuid4

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.device_copies_key import device_copies_key
from accounts.error_views import Gone, cannot_open
from accounts.not_saved import NOT_SAVED, refusal_of
from accounts.request_types import SignedInRequest
from accounts.returned_forms import keep_waiting
from home.hard_moment_helpers import helper
from home.wave import boat_at, part_of
from pause import actions
from pause.forms import HOW_NOW, BeginForm, HowNowForm
from pause.models import Pause, PauseContents
from safety import hidden_contact_exercises
from vault.sealing import CannotOpen

PASSED, STILL, SENT, MORE = "passed", "still", "sent", "more"
# (what is said, the words of its button, and what they mean)
ENDS = (
    (PASSED, gettext_lazy("It has passed"), gettext_lazy("For now, and that is enough.")),
    (STILL, gettext_lazy("It is still there"), gettext_lazy("You can stop here all the same.")),
    (SENT, gettext_lazy("I sent it"), gettext_lazy("That is all right to say here.")),
    (MORE, gettext_lazy("Ten more minutes"), gettext_lazy("The water goes on, and so do we.")),
)
# Earlier pauses that the first page lists; the others are deleted after their days like these.
LISTED = 30


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.non_atomic_requests
def pause(request: SignedInRequest) -> HttpResponse:
    """The field, or the water while a pause runs and until its writer has said how it is."""
    if request.method == "POST":
        return _begin(request)
    row = Pause.objects.of(request.user).current(timezone.now()).first()
    return _start_page(request, BeginForm()) if row is None else _water(request, row)


def _begin(request: SignedInRequest) -> HttpResponse:
    form = BeginForm(request.POST)
    if not form.is_valid():
        return _start_page(request, form)
    try:
        data = form.cleaned_data
        actions.begin(
            person=request.user,
            page=data["id"],
            words=data["words"],
            trigger=data["trigger"],
            minutes=data["minutes"],
            now=timezone.now(),
        )
    except NOT_SAVED as error:
        message, status = refusal_of(error)
        form.add_error(None, message)
        return _start_page(request, form, status=status)
    except actions.NoRoomForWords:
        form.add_error("words", _("A pause is open already, and these words no longer fit in it."))
        return _start_page(request, form, status=422)
    return redirect("home:pause")


def _start_page(request: SignedInRequest, form: BeginForm, *, status: int = 200) -> HttpResponse:
    earlier = Pause.objects.of(request.user).filter(is_open=False).order_by("-created_at", "pk")
    context = {
        "form": form,
        "id": form.cleaned_data["id"] if form.is_bound else uuid4(),
        "device_key": device_copies_key(request.user),
        "earlier": earlier.only("created_at")[:LISTED],
    }
    return render(request, "home/pause.html", context, status=status)


def _water(request: SignedInRequest, row: Pause) -> HttpResponse:
    now, progress = timezone.now(), row.progress(timezone.now())
    hides_contact = hidden_contact_exercises.is_hidden(request.session, now=now)
    name = request.GET.get("with", "")
    context = {
        "pause": row,
        "now": int(now.timestamp()),
        "boat": boat_at(progress),
        "part": part_of(progress),
        "minutes": minutes_in_thirds(row),
        "is_over": not row.is_running(now),
        "begins": int(row.began_at.timestamp()),
        "until": int(row.ends_at.timestamp()),
        "helper": helper(request.user, name, now, hides_contact=hides_contact),
        "ends": ends_in_turn(row.pk),
        "device_key": device_copies_key(request.user),
        "pages": contents_of(request, row).pages,
        "id": uuid4(),
    }
    return render(request, "home/pause_water.html", context)


def minutes_in_thirds(row: Pause) -> tuple[int, int, int]:
    """Return how many minutes it takes, and how many have passed after one third and two."""
    whole = round((row.ends_at - row.began_at).total_seconds() / 60)
    return whole, whole // 3, whole * 2 // 3


def ends_in_turn(id: UUID) -> tuple[tuple[str, object, object], ...]:
    """Return the four ends in an order that differs from pause to pause and stays on a reload."""
    orders = list(permutations(ENDS))
    return orders[id.int % len(orders)]


def contents_of(request: SignedInRequest, row: Pause) -> PauseContents:
    """Return what was written. Words that cannot be opened must not take the water away."""
    try:
        return row.open(request.user.key)
    except CannotOpen:
        return PauseContents()


def get_pause(request: SignedInRequest, id: UUID) -> Pause:
    """Raises Gone if this person has no such pause."""
    rows = Pause.objects.of(request.user).filter(pk=id)
    if request.method == "POST":
        # Two pages may decide differently at once: lock the row, so that the second sees the first.
        rows = rows.select_for_update()
    row: Pause | None = rows.first()
    if row is None:
        raise Gone
    return row


@require_http_methods(["GET", "HEAD", "POST"])
def more(request: SignedInRequest, id: UUID) -> HttpResponse:
    """Ten more minutes."""
    row, until = get_pause(request, id), request.POST.get("until", "")
    if request.method == "POST" and until.isdecimal() and len(until) <= 12:
        row.add_ten_minutes(until=int(until), now=timezone.now())
    return redirect("home:pause")


@require_http_methods(["GET", "HEAD", "POST"])
def end(request: SignedInRequest, id: UUID) -> HttpResponse:
    """Say how it ended. Whatever is said is as good, and none of it is counted."""
    row, said = get_pause(request, id), request.POST.get("said", "")
    if request.method == "POST" and said in {PASSED, STILL, SENT}:
        actions.end(person=request.user, row=row, outcome=said, now=timezone.now())
        return redirect("home:pause_after", row.pk)
    return redirect("home:pause")


@require_http_methods(["GET", "HEAD", "POST"])
def after(request: SignedInRequest, id: UUID) -> HttpResponse:
    """What follows the end: how somebody is who sent it, and when the words are seen again."""
    row = get_pause(request, id)
    if row.is_current(timezone.now()):
        keep_waiting(request)
        return redirect("home:pause")
    contents = contents_of(request, row)
    initial = {"how_now": contents.how_now, "now_words": contents.now_words}
    form = HowNowForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        return _save_how_now(request, row, form)
    context = {
        "pause": row,
        "contents": contents,
        "how_now": how_now_in_words(contents),
        "shows_words": row.shows_words(request.user, timezone.now()),
        "form": form,
    }
    return render(request, "home/pause_after.html", context)


def _save_how_now(request: SignedInRequest, row: Pause, form: HowNowForm) -> HttpResponse:
    how_now, words = form.cleaned_data["how_now"], form.cleaned_data["now_words"]
    try:
        actions.save_how_now(
            person=request.user, row=row, how_now=how_now, words=words, now=timezone.now()
        )
    except CannotOpen:
        return cannot_open(request)
    return redirect("home:pause_after", row.pk)


def how_now_in_words(contents: PauseContents) -> str:
    return str(HOW_NOW.get(contents.how_now, contents.how_now))
