"""The words of a hard moment, on the next day: a letter, gone, or left where they are."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.error_views import Gone, cannot_open, quota_exceeded_message
from accounts.request_types import SignedInRequest
from home.letter_from_pause import letter_made, make_letter
from home.pause_views import contents_of, get_pause, how_now_in_words
from vault.sealing import CannotOpen
from vault.storage_quota import QuotaExceeded


@require_safe
def words(request: SignedInRequest, id: UUID) -> HttpResponse:
    row = get_pause(request, id)
    if not row.shows_words(request.user, timezone.now()):
        return redirect("home:pause_after", row.pk)
    try:
        contents = row.open(request.user.key)
    except CannotOpen:
        return cannot_open(request)
    context = {"pause": row, "contents": contents, "how_now": how_now_in_words(contents)}
    return render(request, "home/pause_words.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def letter(request: SignedInRequest, id: UUID) -> HttpResponse:
    """Make the words a letter. A second tap finds that letter."""
    try:
        row = get_pause(request, id)
    except Gone:
        return _to_letter_made(request, id)
    is_next_day = row.shows_words(request.user, timezone.now())
    if request.method != "POST" or not is_next_day or not contents_of(request, row).words:
        return redirect("home:pause_words", row.pk)
    try:
        made = make_letter(person=request.user, row=row, now=timezone.now())
    except CannotOpen:
        return cannot_open(request)
    except QuotaExceeded:
        messages.error(request, quota_exceeded_message())
        return redirect("home:pause_words", id)
    messages.info(request, _("It is a letter on your shelf now. It is not sent to anybody."))
    return redirect("journal:letter", made.pk)


def _to_letter_made(request: SignedInRequest, id: UUID) -> HttpResponse:
    try:
        made = letter_made(person=request.user, pause_id=id)
    except CannotOpen:
        made = None
    if made is None:
        raise Gone
    return redirect("journal:letter", made.pk)


@require_http_methods(["GET", "HEAD", "POST"])
def stay(request: SignedInRequest, id: UUID) -> HttpResponse:
    """Ask no more about the words. They stay until they are deleted."""
    row = get_pause(request, id)
    if request.method == "POST":
        row.decide()
        messages.info(request, _("They stay where they are until they are deleted by themselves."))
        return redirect("home:today")
    return redirect("home:pause_words", row.pk)


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: SignedInRequest, id: UUID) -> HttpResponse:
    row = get_pause(request, id)
    if request.method == "POST":
        row.delete()
        messages.info(request, _("It is deleted."))
        return redirect("home:today")
    return render(request, "home/pause_delete.html", {"pause": row})
