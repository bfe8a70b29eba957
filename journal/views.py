from typing import cast
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from journal.forms import LetterForm, NewLetterForm
from journal.models import Letter, LetterContents
from vault.sealing import CannotOpen

LETTERS_ON_A_PAGE = 20


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)


def _letter_of(request: HttpRequest, letter_id: UUID) -> Letter:
    letter: Letter = get_object_or_404(Letter.objects.of(_person(request)), pk=letter_id)
    return letter


@require_safe
def shelf(request: HttpRequest) -> HttpResponse:
    """Date and state only: the words come after a tap."""
    letters = Letter.objects.of(_person(request)).newest_first().defer("sealed")
    page = Paginator(letters, LETTERS_ON_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "journal/shelf.html", {"page": page})


@require_http_methods(["GET", "HEAD", "POST"])
def write(request: HttpRequest) -> HttpResponse:
    form = NewLetterForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        letter = Letter.keep(
            person=_person(request),
            id=form.cleaned_data["id"],
            contents=form.contents,
            now=timezone.now(),
        )
        messages.info(request, _("Your letter is kept."))
        return redirect("journal:letter", letter.pk)
    return render(request, "journal/write.html", {"form": form})


@require_safe
def letter(request: HttpRequest, id: UUID) -> HttpResponse:
    letter = _letter_of(request, id)
    try:
        contents: LetterContents = letter.open(_person(request).key)
    except CannotOpen:
        return render(request, "closed.html")
    return render(request, "journal/letter.html", {"letter": letter, "contents": contents})


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, id: UUID) -> HttpResponse:
    person = _person(request)
    letter = _letter_of(request, id)
    try:
        contents: LetterContents = letter.open(person.key)
    except CannotOpen:
        return render(request, "closed.html")
    initial = {"to": contents.to, "body": contents.body}
    form = LetterForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_bound and form.is_valid():
        letter.rewrite(person=person, contents=form.contents, now=timezone.now())
        messages.info(request, _("Your letter is kept."))
        return redirect("journal:letter", letter.pk)
    return render(request, "journal/edit.html", {"form": form, "letter": letter})


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, id: UUID) -> HttpResponse:
    letter = _letter_of(request, id)
    if request.method == "POST":
        letter.delete()
        messages.info(request, _("The letter is deleted."))
        return redirect("journal:shelf")
    return render(request, "journal/delete.html", {"letter": letter})
