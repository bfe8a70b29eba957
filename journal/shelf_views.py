from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.device_key import device_key
from accounts.error_views import cannot_open
from accounts.request_types import SignedInRequest
from accounts.short_list_paginator import ShortListPaginator
from journal.forms import SearchForm
from journal.letter_kinds import KINDS
from journal.models import Letter
from journal.search import search_letters
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
    """List letters by kind, day and state. Their words are shown only on their own pages."""
    now = timezone.now()
    shown, kind = request.GET.get("show", ""), KINDS.get(request.GET.get("kind", ""))
    shown = shown if shown in STATES_SHOWN else ""
    letters = Letter.objects.on_shelf_of(request.user, now).newest_first().defer("sealed")
    if shown:
        letters = letters.filter(state__in=STATES_SHOWN[shown])
    if kind:
        letters = letters.filter(kind=kind.key)
    page = ShortListPaginator(letters, LETTERS_PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "shown": shown,
        "now": now,
        "kind": kind,
        "kinds": KINDS.values(),
        "is_empty": not page.object_list,
        "is_narrowed": bool(shown or kind),
        # The shelf also sends words that wait on the device.
        "device_key": device_key(request.user),
    }
    return render(request, "journal/shelf.html", context)


@require_POST
def search(request: SignedInRequest) -> HttpResponse:
    form = SearchForm(request.POST)
    context: dict[str, object] = {"form": form, "now": timezone.now()}
    if form.is_valid():
        text, at, id = (form.cleaned_data[name] for name in ("text", "at", "id"))
        after = (at, id) if at and id else None
        try:
            context["found"] = search_letters(text, person=request.user, after=after)
        except CannotOpen:
            return cannot_open(request)
    return render(request, "journal/search.html", context)


@require_safe
@transaction.non_atomic_requests
def cover(request: SignedInRequest) -> HttpResponse:
    """Show a blank page, to open when somebody walks by."""
    return render(request, "journal/cover.html")
