from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.error_views import NotHere, cannot_open
from accounts.pagination import Listing
from accounts.request_types import SignedInRequest
from accounts.time_zones import place_of
from journal import actions
from journal.device_key import key_of
from journal.forms import BODY_NOW, CloseForm, LetGoForm, SealForm, SearchForm
from journal.letter_kinds import KINDS
from journal.models import Letter, LetterContents, NotNow, still_afloat
from journal.search import look_for
from vault.sealing import CannotOpen

State = Letter.State
# What the shelf can be narrowed down to.
SHELVES = {
    "drafts": [State.DRAFT],
    "kept": [State.KEPT],
    "sealed": [State.SEALED],
    "free": [State.LET_GO, State.GONE],
}


def _listing(shelf: str, *, of_a_kind: bool) -> Listing:
    def make(owner: UUID, afloat: datetime, *kind: str) -> Any:
        letters = Letter.objects.of(owner).seen(afloat)
        letters = letters.filter(state__in=SHELVES[shelf]) if shelf else letters
        return (letters.filter(kind=kind[0]) if of_a_kind else letters).unopened()

    return Listing(make, per_page=20)


LISTINGS = {
    (shelf, of_a_kind): _listing(shelf, of_a_kind=of_a_kind)
    for shelf in ("", *SHELVES)
    for of_a_kind in (False, True)
}


Of = Callable[[SignedInRequest, Letter], HttpResponse]
View = Callable[[SignedInRequest, UUID], HttpResponse]


# --- The shelf -----------------------------------------------------------------------------


@require_safe
@transaction.non_atomic_requests
def shelf(request: SignedInRequest) -> HttpResponse:
    """Kind, day and state only: the words come after a tap."""
    shown, kind = request.GET.get("show", ""), request.GET.get("kind", "")
    shown = shown if shown in SHELVES else ""
    values = [kind] if kind in KINDS else []
    listing = LISTINGS[shown, bool(values)]
    now = timezone.now()
    page = listing.page(request.GET.get("page"), request.user.pk, still_afloat(now), *values)
    context = {
        "page": page,
        "shown": shown,
        "now": now,
        "kind": KINDS.get(kind),
        "kinds": KINDS.values(),
        "is_empty": not page.object_list,
        "is_narrowed": bool(shown or values),
        # For words that wait on their device: the shelf takes them in as the desk does.
        "device_key": key_of(request.user),
    }
    return render(request, "journal/shelf.html", context)


@require_POST
def search(request: SignedInRequest) -> HttpResponse:
    form = SearchForm(request.POST)
    context: dict[str, object] = {"form": form, "now": timezone.now()}
    if form.is_valid():
        at, id = form.cleaned_data["at"], form.cleaned_data["id"]
        after = (at, id) if at and id else None
        try:
            context["found"] = look_for(form.cleaned_data["text"], person=request.user, after=after)
        except CannotOpen:
            return cannot_open(request)
    return render(request, "journal/search.html", context)


@require_safe
@transaction.non_atomic_requests
def cover(request: SignedInRequest) -> HttpResponse:
    """A page that says nothing, to have on the screen while somebody walks by."""
    return render(request, "journal/cover.html")


# --- A letter and what becomes of it -------------------------------------------------------


# Whether what was sent is what the letter has come to already.
IS_SAME: dict[str, Callable[[Any, Letter], bool]] = {
    State.SEALED: lambda sent, letter: sent.get("day") == f"{letter.opens_on}",
    State.LET_GO: lambda sent, letter: ("leaves_line" in sent) == letter.leaves_line,
}


def of_a_letter(*done: State) -> Callable[[Of], View]:
    """For a view of one letter of theirs. Where something else has become of it, they are told so
    calmly; where it is `done` already, as by a second tap, there is nothing to tell."""

    def decorate(view: Of) -> View:
        @wraps(view)
        def held(request: SignedInRequest, id: UUID) -> HttpResponse:
            letter = _found(request, id)
            try:
                # Decided on a page that showed it as it is no more.
                if request.POST.get("state", letter.state) != letter.state:
                    raise NotNow
                return view(request, letter)
            except NotNow:
                if not _is_done(request, letter, done):
                    messages.info(request, _("This letter stands as you decided before."))
                return redirect("journal:letter", letter.pk)
            except CannotOpen:
                return cannot_open(request)

        return held

    return decorate


def _found(request: SignedInRequest, id: UUID) -> Letter:
    letters = Letter.objects.of(request.user).there(still_afloat(timezone.now()))
    if request.method == "POST":
        # Held, so that only one thing becomes of it.
        letters = letters.select_for_update()
    letter: Letter | None = letters.filter(pk=id).first()
    if letter is None:
        raise NotHere
    return letter


def _is_done(request: SignedInRequest, letter: Letter, done: tuple[State, ...]) -> bool:
    is_same = IS_SAME.get(letter.state)
    return letter.state in done and (is_same is None or is_same(request.POST, letter))


@require_safe
@transaction.non_atomic_requests
@of_a_letter()
def letter(request: SignedInRequest, letter: Letter) -> HttpResponse:
    if letter.is_draft:
        return redirect("journal:edit", letter.pk)
    if letter.is_sealed:
        ready = letter.is_ready(timezone.localdate())
        return render(request, "journal/sealed.html", {"letter": letter, "is_ready": ready})
    if letter.is_on_the_water:
        return render(request, "journal/on_the_water.html", {"letter": letter})
    contents: LetterContents = letter.open(request.user.key)
    context = {
        "letter": letter,
        "contents": contents,
        "body_now": BODY_NOW.get(contents.body_now, ""),
        "undecided": letter.undecided(),
    }
    return render(request, "journal/letter.html", context)


def _on(request: SignedInRequest, name: str, letter: Letter) -> HttpResponse:
    """To the next page about this letter, which also hears that it took long to write."""
    query = "?long=1" if "long" in request.GET else ""
    return redirect(reverse(name, args=[letter.pk]) + query)


def _end(request: SignedInRequest, letter: Letter) -> HttpResponse:
    name = "journal:settle" if "long" in request.GET else "journal:letter"
    return redirect(name, letter.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@of_a_letter(State.KEPT)
def close(request: SignedInRequest, letter: Letter) -> HttpResponse:
    """The pen is down: how they are, and what is to become of the letter."""
    if not letter.is_draft:
        raise NotNow
    form = CloseForm(
        request.POST if request.method == "POST" else None, initial=_said_before(request, letter)
    )
    if not form.is_valid():
        return render(request, "journal/close.html", {"form": form, "letter": letter})
    letter.close(request.user, now=timezone.now(), **form.cleaned_data)
    fate = request.POST.get("then")
    if fate == "seal":
        return _on(request, "journal:seal", letter)
    if fate == "let-go":
        return _on(request, "journal:let_go", letter)
    letter.keep(now=timezone.now())
    return _end(request, letter)


def _said_before(request: SignedInRequest, letter: Letter) -> dict[str, str]:
    contents: LetterContents = letter.open(request.user.key)
    return {"body_now": contents.body_now, "next_hour": contents.next_hour}


@require_http_methods(["GET", "HEAD", "POST"])
@of_a_letter(State.SEALED)
def seal(request: SignedInRequest, letter: Letter) -> HttpResponse:
    form = SealForm(timezone.localdate(), request.POST if request.method == "POST" else None)
    if not form.is_valid():
        context = {"form": form, "letter": letter, "place": place_of(request.user.time_zone)}
        return render(request, "journal/seal.html", context)
    person, now = request.user, timezone.now()
    actions.seal(person=person, letter=letter, now=now, **form.cleaned_data)
    return _end(request, letter)


@require_http_methods(["GET", "HEAD", "POST"])
@of_a_letter(State.KEPT)
def unseal(request: SignedInRequest, letter: Letter) -> HttpResponse:
    """Open it: at once where its day has come, after one calm question where it has not."""
    if not letter.is_sealed:
        raise NotNow
    if request.method == "POST":
        letter.unseal(now=timezone.now())
        return redirect("journal:letter", letter.pk)
    return render(request, "journal/unseal.html", {"letter": letter})


@require_http_methods(["GET", "HEAD", "POST"])
@of_a_letter(State.LET_GO)
def let_go(request: SignedInRequest, letter: Letter) -> HttpResponse:
    form = LetGoForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return render(request, "journal/let_go.html", {"form": form, "letter": letter})
    line = form.cleaned_data["leaves_line"]
    actions.let_go(person=request.user, letter=letter, leaves_line=line, now=timezone.now())
    return _end(request, letter)


@require_http_methods(["GET", "HEAD", "POST"])
@of_a_letter(State.DRAFT, State.KEPT, State.SEALED)
def bring_back(request: SignedInRequest, letter: Letter) -> HttpResponse:
    if request.method != "POST":
        return redirect("journal:letter", letter.pk)
    letter.bring_back(now=timezone.now())
    messages.info(request, _("It is back."))
    return redirect("journal:letter", letter.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@of_a_letter(State.DRAFT)
def write_on(request: SignedInRequest, letter: Letter) -> HttpResponse:
    if request.method != "POST":
        return redirect("journal:letter", letter.pk)
    letter.write_on(now=timezone.now())
    return redirect("journal:edit", letter.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@of_a_letter()
def throw_away(request: SignedInRequest, letter: Letter) -> HttpResponse:
    if not letter.is_draft:
        raise NotNow
    if request.method == "POST":
        actions.throw_away(person=request.user, letter=letter, now=timezone.now())
        messages.info(request, _("The draft is thrown away."))
        return redirect("journal:shelf")
    return render(request, "journal/throw_away.html", {"letter": letter})


@require_safe
@transaction.non_atomic_requests
@of_a_letter()
def settle(request: SignedInRequest, letter: Letter) -> HttpResponse:
    """A moment to look up, for whoever has written for a while."""
    return render(request, "journal/settle.html", {"letter": letter})
