from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.device_copies_key import device_copies_key
from accounts.error_views import cannot_open
from accounts.lazy_count_paginator import LazyCountPaginator
from accounts.request_types import SignedInRequest
from journal.forms import SearchForm, ShelfNamesForm
from journal.letter_kinds import KINDS
from journal.listed_letters import LISTED_FIELDS, LetterLine, letter_lines
from journal.models import Letter
from journal.names_on_shelf import NAMED_FIELDS, names_of, set_shows_names, shows_names
from journal.search import SearchResult, search_letters
from journal.search_session import Search, load_search, save_search
from journal.shelf_letters import ShelfLetters
from vault.sealing import CannotOpen

LETTERS_PER_PAGE = 20
# Values of the query parameter `show`.
STATES_SHOWN = {
    "drafts": [Letter.State.DRAFT],
    "kept": [Letter.State.KEPT],
    "sealed": [Letter.State.SEALED],
    "free": [Letter.State.LET_GO, Letter.State.GONE],
}


@require_safe
@transaction.non_atomic_requests
def shelf(request: SignedInRequest) -> HttpResponse:
    """List letters by kind, day and state, and for those who want it with the names in them.

    Their other words are shown only on their own pages.
    """
    now, with_names = timezone.now(), shows_names(request.user)
    shown, kind = request.GET.get("show", ""), KINDS.get(request.GET.get("kind", ""))
    shown = shown if shown in STATES_SHOWN else ""
    letters = ShelfLetters(
        request.user,
        now,
        fields=NAMED_FIELDS if with_names else LISTED_FIELDS,
        states=STATES_SHOWN.get(shown, ()),
        kind=kind.key if kind else "",
    )
    page = LazyCountPaginator(letters, LETTERS_PER_PAGE).get_page(request.GET.get("page"))
    names = names_of(page.object_list, request.user, now=now) if with_names else None
    context = {
        "page": page,
        "lines": letter_lines(page.object_list, now, names=names),
        "shows_names": with_names,
        "shown": shown,
        "kind": kind,
        "kinds": KINDS.values(),
        "is_empty": not page.object_list,
        "is_narrowed": bool(shown or kind),
        # The shelf also sends words that wait on the device.
        "device_key": device_copies_key(request.user),
    }
    return render(request, "journal/shelf.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def names(request: SignedInRequest) -> HttpResponse:
    """Show or hide whom letters speak to, and redirect to the same part of the shelf."""
    form = ShelfNamesForm(request.POST)
    if request.method == "POST" and form.is_valid():
        try:
            set_shows_names(request.user, **form.cleaned_data)
        except CannotOpen:
            return cannot_open(request)
        messages.info(request, _names_are(form.cleaned_data["shows_names"]))
    return redirect(reverse("journal:shelf", query=request.GET))


def _names_are(shown: bool) -> str:
    return _("The names are shown now.") if shown else _("The names are hidden now.")


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.non_atomic_requests
def search(request: SignedInRequest) -> HttpResponse:
    """Save what is looked for and redirect to the results, so that Back does not send it again."""
    if request.method != "POST":
        return redirect(f"{reverse('journal:shelf')}#id_text")
    form = SearchForm(request.POST)
    if not form.is_valid():
        return render(request, "journal/search.html", {"form": form})
    wanted = Search(form.cleaned_data["text"], form.after)
    try:
        name = save_search(request.session, request.user, wanted, now=timezone.now())
    except CannotOpen:
        return cannot_open(request)
    return redirect("journal:search_results", name)


@require_safe
def search_results(request: SignedInRequest, name: UUID) -> HttpResponse:
    now, context = timezone.now(), {}
    try:
        wanted = load_search(request.session, request.user, name, now=now)
        if wanted:
            found = search_letters(wanted.text, person=request.user, after=wanted.after)
            context = {"search": wanted, "found": found, **_found_lines(found, now)}
    except CannotOpen:
        return cannot_open(request)
    form = SearchForm(initial={"text": wanted.text if wanted else ""})
    return render(request, "journal/search.html", {"form": form, "is_gone": not wanted, **context})


def _found_lines(found: SearchResult, now: datetime) -> dict[str, list[LetterLine]]:
    return {
        "same": letter_lines(found.same, now, excerpts=found.excerpts),
        "similar": letter_lines(found.similar, now, excerpts=found.excerpts),
    }


@require_safe
@transaction.non_atomic_requests
def cover(request: SignedInRequest) -> HttpResponse:
    """Show a blank page, to open when somebody walks by."""
    return render(request, "journal/cover.html")
