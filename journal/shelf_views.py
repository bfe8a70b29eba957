from uuid import UUID

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.device_copies_key import device_copies_key
from accounts.error_views import cannot_open
from accounts.lazy_count_paginator import LazyCountPaginator
from accounts.request_types import SignedInRequest
from journal.forms import SearchForm
from journal.letter_kinds import KINDS
from journal.letter_lines import LISTED_FIELDS
from journal.models import Letter
from journal.search import search_letters
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
    """List letters by kind, day and state. Their words are shown only on their own pages."""
    now = timezone.now()
    shown, kind = request.GET.get("show", ""), KINDS.get(request.GET.get("kind", ""))
    shown = shown if shown in STATES_SHOWN else ""
    letters = ShelfLetters(
        request.user,
        now,
        fields=LISTED_FIELDS,
        states=STATES_SHOWN.get(shown, ()),
        kind=kind.key if kind else "",
    )
    page = LazyCountPaginator(letters, LETTERS_PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "shown": shown,
        "now": now,
        "kind": kind,
        "kinds": KINDS.values(),
        "is_empty": not page.object_list,
        "is_narrowed": bool(shown or kind),
        # The shelf also sends words that wait on the device.
        "device_key": device_copies_key(request.user),
    }
    return render(request, "journal/shelf.html", context)


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
            context = {"search": wanted, "found": found, "now": now}
    except CannotOpen:
        return cannot_open(request)
    form = SearchForm(initial={"text": wanted.text if wanted else ""})
    return render(request, "journal/search.html", {"form": form, "is_gone": not wanted, **context})


@require_safe
@transaction.non_atomic_requests
def cover(request: SignedInRequest) -> HttpResponse:
    """Show a blank page, to open when somebody walks by."""
    return render(request, "journal/cover.html")
