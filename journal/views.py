from datetime import timedelta
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.given_back import closed
from accounts.pages import Listing
from accounts.requests import SignedInRequest
from journal.forms import LetterForm, NewLetterForm
from journal.models import Letter, LetterContents
from vault.sealing import CannotOpen

SHELF = Listing(lambda owner: Letter.objects.of(owner).unopened(), per_page=20)
# So long after it was kept, a letter’s page says so.
JUST_NOW = timedelta(seconds=30)


def _letter_of(request: SignedInRequest, letter_id: UUID) -> Letter:
    letters = Letter.objects.of(request.user)
    if request.method == "POST":
        # Held, so that it is not deleted elsewhere while it is being changed here.
        letters = letters.select_for_update()
    letter: Letter = get_object_or_404(letters, pk=letter_id)
    return letter


@require_safe
@transaction.non_atomic_requests
def shelf(request: SignedInRequest) -> HttpResponse:
    """Date and state only: the words come after a tap."""
    page = SHELF.page(request.GET.get("page"), request.user.pk)
    context = {"page": page, "is_empty": not page.object_list}
    return render(request, "journal/shelf.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.non_atomic_requests
def write(request: SignedInRequest) -> HttpResponse:
    form = NewLetterForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            return _keep(request, form)
        except CannotOpen:
            form.add_error(None, _("Your key does not open at the moment. Nothing was kept yet."))
            return render(request, "journal/write.html", {"form": form}, status=503)
    return render(request, "journal/write.html", {"form": form})


def _keep(request: SignedInRequest, form: NewLetterForm) -> HttpResponse:
    letter = Letter.keep(
        person=request.user,
        id=form.cleaned_data["id"],
        contents=form.contents,
        now=timezone.now(),
    )
    return redirect("journal:letter", letter.pk)


@require_safe
def letter(request: SignedInRequest, id: UUID) -> HttpResponse:
    letter = _letter_of(request, id)
    try:
        contents: LetterContents = letter.open(request.user.key)
    except CannotOpen:
        return closed(request)
    # Told from the letter itself: a word left in the session would be two writes more.
    just_kept = timezone.now() - letter.changed_at < JUST_NOW
    context = {"letter": letter, "contents": contents, "just_kept": just_kept}
    return render(request, "journal/letter.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: SignedInRequest, id: UUID) -> HttpResponse:
    person = request.user
    letter = _letter_of(request, id)
    try:
        contents: LetterContents = letter.open(person.key)
    except CannotOpen:
        return closed(request)
    initial = {"to": contents.to, "body": contents.body}
    form = LetterForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_bound and form.is_valid():
        letter.rewrite(person=person, contents=form.contents, now=timezone.now())
        return redirect("journal:letter", letter.pk)
    return render(request, "journal/edit.html", {"form": form, "letter": letter})


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: SignedInRequest, id: UUID) -> HttpResponse:
    letter = _letter_of(request, id)
    if request.method == "POST":
        letter.delete()
        messages.info(request, _("The letter is deleted."))
        return redirect("journal:shelf")
    return render(request, "journal/delete.html", {"letter": letter})
