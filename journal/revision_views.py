"""Earlier versions of a letter, and late words from another page."""

from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.error_views import cannot_open
from accounts.lazy_count_paginator import LazyCountPaginator
from accounts.request_types import SignedInRequest
from journal import conflict_resolution
from journal.forms import ChooseForm
from journal.models import InvalidTransition, Letter, Revision
from journal.shortcuts import get_or_gone
from vault.sealing import CannotOpen
from vault.storage_quota import QuotaExceeded

VERSIONS_PER_PAGE = 20


@require_safe
@transaction.non_atomic_requests
def versions(request: SignedInRequest, id: UUID) -> HttpResponse:
    """List the days and hours of a letter's revisions, without their words."""
    letter = get_or_gone(Letter.objects.visible_to(request.user, timezone.now()), pk=id)
    if not letter.is_draft_or_kept:
        return redirect("journal:letter", letter.pk)
    rows = Revision.objects.of(request.user).filter(letter=letter).newest_first()
    pages = LazyCountPaginator(rows.defer("sealed"), VERSIONS_PER_PAGE)
    context = {"letter": letter, "page": pages.get_page(request.GET.get("page"))}
    return render(request, "journal/versions.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def version(request: SignedInRequest, id: UUID, revision: UUID) -> HttpResponse:
    """Show the words of the letter beside those of a revision, and let the writer choose."""
    letter = get_or_gone(Letter.objects.visible_to(request.user, timezone.now()), pk=id)
    if not letter.is_draft_or_kept:
        return redirect("journal:letter", letter.pk)
    row = get_or_gone(Revision.objects.of(request.user), letter=letter, pk=revision)
    try:
        if request.method == "POST":
            return _choose(request, letter, row)
        context = {
            "letter": letter,
            "row": row,
            "now": letter.open(request.user.key),
            "other": row.open(request.user.key),
        }
    except CannotOpen:
        return cannot_open(request)
    return render(request, "journal/version.html", context)


def _choose(request: SignedInRequest, letter: Letter, row: Revision) -> HttpResponse:
    form, now = ChooseForm(request.POST), timezone.now()
    # Always valid: all its fields are trusted fields.
    form.is_valid()
    choice = form.cleaned_data["keep"]
    ref = conflict_resolution.RevisionRef(
        person=request.user, letter_id=letter.pk, revision_id=row.pk
    )
    try:
        if choice == "both":
            letter = conflict_resolution.keep_both(ref, now=now)
            messages.info(request, _("Both are saved. This is the other one."))
        elif choice == "other":
            conflict_resolution.restore(ref, version=form.cleaned_data["version"], now=now)
            messages.info(request, _("It stands in your letter again."))
        else:
            conflict_resolution.dismiss(ref)
    except InvalidTransition:
        messages.warning(request, _("Your letter has changed since. Look at both once more."))
        return redirect("journal:version", letter.pk, row.pk)
    except QuotaExceeded:
        messages.warning(request, _no_room_for(choice))
        return redirect("journal:version", letter.pk, row.pk)
    return redirect("journal:edit", letter.pk)


def _no_room_for(choice: str) -> str:
    if choice == "both":
        return _("There is no room for another draft. Both stay here; what you delete makes room.")
    return _("There is no room for another version. Both stay here; what you delete makes room.")
