"""A letter, and what becomes of it (ADR 26)."""

from collections.abc import Callable
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
from django.views.decorators.http import require_http_methods, require_safe

from accounts.error_views import cannot_open
from accounts.request_types import SignedInRequest
from accounts.returned_forms import keep_waiting
from accounts.time_zones import NO_ZONE_CHOSEN, place_of
from journal import letter_actions, ready_mails
from journal.forms import ACCEPTANCE, BODY_NOW, CloseForm, LetGoForm, SealForm
from journal.letter_kinds import KINDS, TO_THEM
from journal.listed_letters import letter_line
from journal.models import InvalidTransition, Letter
from journal.shortcuts import get_or_gone
from vault.sealing import CannotOpen

State = Letter.State

LetterView = Callable[[SignedInRequest, Letter], HttpResponse]
View = Callable[[SignedInRequest, UUID], HttpResponse]

# Whether a form asks for what the letter already is, by the letter's state.
IS_SAME_REQUEST: dict[str, Callable[[Any, Letter], bool]] = {
    State.SEALED: lambda data, letter: data.get("day") == f"{letter.opens_on}",
    State.LET_GO: lambda data, letter: ("leaves_line" in data) == letter.leaves_line,
}


def letter_view(*results: State) -> Callable[[LetterView], View]:
    """Decorate a view of one letter, which may raise InvalidTransition and CannotOpen.

    A second click finds the letter in one of the states that the view results in: it redirects
    without a message. After any other InvalidTransition, a message says that the letter has not
    changed.
    """

    def decorate(view: LetterView) -> View:
        @wraps(view)
        def with_letter(request: SignedInRequest, id: UUID) -> HttpResponse:
            letter = _get_letter(request, id)
            try:
                # The form was shown when the letter was in another state.
                if request.POST.get("state", letter.state) != letter.state:
                    raise InvalidTransition
                return view(request, letter)
            except InvalidTransition:
                keep_waiting(request)
                if not (letter.state in results and _is_same_request(request, letter)):
                    messages.info(request, _("This letter stands as you decided before."))
                return redirect("journal:letter", letter.pk)
            except CannotOpen:
                return cannot_open(request)

        return with_letter

    return decorate


def _get_letter(request: SignedInRequest, id: UUID) -> Letter:
    letters = Letter.objects.visible_to(request.user, timezone.now())
    if request.method == "POST":
        # Two pages may decide differently at once: lock the row, so that the second sees the first.
        letters = letters.select_for_update()
    letter: Letter = get_or_gone(letters, pk=id)
    return letter


def _is_same_request(request: SignedInRequest, letter: Letter) -> bool:
    is_same = IS_SAME_REQUEST.get(letter.state)
    return is_same is None or is_same(request.POST, letter)


@require_safe
@transaction.non_atomic_requests
@letter_view()
def letter(request: SignedInRequest, letter: Letter) -> HttpResponse:
    if letter.is_draft:
        return redirect("journal:edit", letter.pk)
    if letter.is_sealed:
        ready = letter.is_ready(timezone.localdate())
        return render(request, "journal/sealed.html", {"letter": letter, "is_ready": ready})
    if letter.is_let_go:
        return render(request, "journal/on_the_water.html", {"letter": letter})
    contents = letter.open(request.user.key)
    context = {
        "letter": letter,
        "contents": contents,
        "body_now": BODY_NOW.get(contents.body_now, ""),
        "acceptance": ACCEPTANCE.get(contents.acceptance, ""),
        "undecided": letter.late_revision_id(),
    }
    return render(request, "journal/letter.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@letter_view(State.KEPT)
def close(request: SignedInRequest, letter: Letter) -> HttpResponse:
    """Finish a draft: ask how the writer is, and what is to become of the letter."""
    if not letter.is_draft:
        raise InvalidTransition
    contents = letter.open(request.user.key)
    kind = KINDS.get(letter.kind, TO_THEM)
    data = request.POST if request.method == "POST" else None
    form = CloseForm(kind, data, initial=vars(contents))
    if not form.is_valid():
        return render(request, "journal/close.html", {"form": form, "letter": letter})
    letter.save_closing_answers(request.user, now=timezone.now(), **form.cleaned_data)
    fate = request.POST.get("then")
    if fate == "seal":
        return _redirect_with_long(request, "journal:seal", letter)
    if fate == "let-go":
        return _redirect_with_long(request, "journal:let_go", letter)
    letter.keep(now=timezone.now())
    return _redirect_after_decision(request, letter)


def _redirect_with_long(request: SignedInRequest, name: str, letter: Letter) -> HttpResponse:
    """Redirect, and pass on that the letter took long to write."""
    query = "?long=1" if "long" in request.GET else ""
    return redirect(reverse(name, args=[letter.pk]) + query)


def _redirect_after_decision(
    request: SignedInRequest, letter: Letter, *, query: str = ""
) -> HttpResponse:
    """Redirect to the letter, or after long writing to a moment to look up."""
    if "long" in request.GET:
        return redirect("journal:settle", letter.pk)
    return redirect(reverse("journal:letter", args=[letter.pk]) + query)


@require_http_methods(["GET", "HEAD", "POST"])
@letter_view(State.SEALED)
def seal(request: SignedInRequest, letter: Letter) -> HttpResponse:
    asks_zone = request.user.time_zone == NO_ZONE_CHOSEN
    data = request.POST if request.method == "POST" else None
    form = SealForm(timezone.localdate(), data, asks_zone=asks_zone)
    if not form.is_valid():
        context = {"form": form, "letter": letter, "place": place_of(request.user.time_zone)}
        return render(request, "journal/seal.html", context)
    person, now = request.user, timezone.now()
    if zone := form.cleaned_data.pop("zone", ""):
        ready_mails.choose_time_zone(person=person, zone=zone, now=now)
    letter_actions.seal(person=person, letter=letter, now=now, **form.cleaned_data)
    return _redirect_after_decision(request, letter, query="?folded=1")


@require_http_methods(["GET", "HEAD", "POST"])
@letter_view(State.KEPT)
def unseal(request: SignedInRequest, letter: Letter) -> HttpResponse:
    """Open a sealed letter. Its page posts here on its day; before, this page asks once."""
    if not letter.is_sealed:
        raise InvalidTransition
    if request.method == "POST":
        letter.unseal(now=timezone.now())
        return redirect("journal:letter", letter.pk)
    return render(request, "journal/unseal.html", {"letter": letter})


@require_http_methods(["GET", "HEAD", "POST"])
@letter_view(State.LET_GO)
def let_go(request: SignedInRequest, letter: Letter) -> HttpResponse:
    form = LetGoForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return render(request, "journal/let_go.html", {"form": form, "letter": letter})
    line = form.cleaned_data["leaves_line"]
    letter_actions.let_go(person=request.user, letter=letter, leaves_line=line, now=timezone.now())
    return _redirect_after_decision(request, letter)


@require_http_methods(["GET", "HEAD", "POST"])
@letter_view(State.DRAFT, State.KEPT, State.SEALED)
def bring_back(request: SignedInRequest, letter: Letter) -> HttpResponse:
    if request.method != "POST":
        return redirect("journal:letter", letter.pk)
    letter.bring_back(now=timezone.now())
    messages.info(request, _("It is back."))
    return redirect("journal:letter", letter.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@letter_view(State.DRAFT)
def write_on(request: SignedInRequest, letter: Letter) -> HttpResponse:
    if request.method != "POST":
        return redirect("journal:letter", letter.pk)
    letter.write_on(now=timezone.now())
    return redirect("journal:edit", letter.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@letter_view()
def throw_away(request: SignedInRequest, letter: Letter) -> HttpResponse:
    """Delete a draft after one question. Other letters are let go instead."""
    if not letter.is_draft:
        raise InvalidTransition
    if request.method == "POST":
        letter_actions.throw_away(person=request.user, letter=letter, now=timezone.now())
        messages.info(request, _("The draft is thrown away."))
        return redirect("journal:shelf")
    return render(request, "journal/throw_away.html", {"letter": letter})


@require_http_methods(["GET", "HEAD", "POST"])
def remove_line(request: SignedInRequest, id: UUID) -> HttpResponse:
    """Delete the line that a letter has left on the shelf, after one question."""
    now = timezone.now()
    line = get_or_gone(Letter.objects.lines_of(request.user, now), pk=id)
    if request.method == "POST":
        try:
            letter_actions.delete_letters(person=request.user, ids=[line.pk], now=now)
        except CannotOpen:
            return cannot_open(request)
        messages.info(request, _("The line is removed."))
        return redirect("journal:shelf")
    return render(request, "journal/remove_line.html", {"line": letter_line(line, now)})


@require_safe
@transaction.non_atomic_requests
@letter_view()
def settle(request: SignedInRequest, letter: Letter) -> HttpResponse:
    """Offer a moment of rest after a long time of writing."""
    return render(request, "journal/settle.html", {"letter": letter})
