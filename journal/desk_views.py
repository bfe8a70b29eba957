"""The desk: where letters are written, with a form or with the autosave of its script."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse, HttpResponseRedirect, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.device_copies_key import device_copies_key
from accounts.error_views import (
    Gone,
    cannot_open,
    quota_exceeded_message,
    quota_nearly_full_message,
)
from accounts.guide_settings import asks_why
from accounts.local_times import time_of_day
from accounts.models import User
from accounts.not_saved import NOT_SAVED, refusal_of
from accounts.request_types import SignedInRequest
from journal import opening_line_actions
from journal.forms import LetterForm, OpeningForm
from journal.letter_kinds import KINDS, PLAIN_DAY, TO_THEM, LetterKind
from journal.models import Letter, Opening
from journal.saving import LetterGone, Saved, SavedBeside, Superseded, TooManyLate, save_words
from journal.shortcuts import get_or_gone
from journal.three_evenings import next_evening
from vault.sealing import CannotOpen
from vault.storage_quota import QuotaExceeded

# A start time older than this is ignored: the writer has been away since.
MAX_WRITING_TIME = timedelta(hours=6)


@require_safe
@transaction.non_atomic_requests
def choose_kind(request: SignedInRequest) -> HttpResponse:
    """List the kinds of letter. For those who keep asking why, a plain day comes first: they say so
    by `?why`, or once for all."""
    has_said_so = asks_why(request.user)
    asks_why_now = has_said_so or "why" in request.GET
    kinds = [kind for kind in KINDS.values() if not kind.is_evening]
    # Writing about it over and over is not for those who keep asking why.
    plain_day_first = [PLAIN_DAY, *(kind for kind in kinds if kind is not PLAIN_DAY)]
    context = {
        "kinds": plain_day_first if asks_why_now else kinds,
        "asks_why": asks_why_now,
        "has_said_so": has_said_so,
        "answers": _answered_letter(request, request.GET.get("answers")),
    }
    return render(request, "journal/write.html", context)


@require_safe
@transaction.non_atomic_requests
def evenings(request: SignedInRequest) -> HttpResponse:
    """Lead to the next of the three evenings, or say when it is."""
    following = next_evening(request.user, timezone.now())
    if following.draft:
        return redirect("journal:edit", following.draft.pk)
    if following.kind:
        return redirect("journal:paper", following.kind.key)
    return render(request, "journal/evenings.html", {"is_over": following.is_over})


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.non_atomic_requests
def new_letter(request: SignedInRequest, kind: str) -> HttpResponse:
    chosen = _get_kind_or_404(kind)
    if request.method == "POST":
        # Words that were typed before it came to its end are saved like any others.
        return _save_form(request, chosen)
    if chosen.most and _is_over(request.user, chosen):
        return render(request, "journal/all_written.html", {"kind": chosen})
    initial = {
        "answers": _answered_letter(request, request.GET.get("answers")),
        "since": _timestamp(),
    }
    return _render_desk(request, chosen, LetterForm(chosen, initial=initial))


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.non_atomic_requests
def edit(request: SignedInRequest, id: UUID) -> HttpResponse:
    letters = Letter.objects.visible_to(request.user, timezone.now())
    letter: Letter | None = letters.filter(pk=id).first()
    kind = KINDS.get(letter.kind if letter else request.POST.get("kind", ""), TO_THEM)
    if request.method == "POST":
        # Save the words or give them back, even if the letter has been sealed or deleted since.
        return _save_form(request, kind, id=id) if letter else _give_back(request, kind)
    if letter is None:
        raise Gone
    if not letter.is_draft:
        return redirect("journal:letter", letter.pk)
    try:
        contents = letter.open(request.user.key)
    except CannotOpen:
        return cannot_open(request)
    initial = {
        "id": id,
        "version": letter.version,
        "to": contents.to,
        "body": contents.body,
        "since": _started_at(request),
    }
    return _render_desk(request, kind, LetterForm(kind, initial=initial), letter=letter)


def _is_over(person: User, kind: LetterKind) -> bool:
    """Whether as many letters of this kind are written as there are to be."""
    letters = Letter.objects.visible_to(person, timezone.now()).filter(kind=kind.key)
    return letters.count() >= kind.most


def _get_kind_or_404(key: str) -> LetterKind:
    if key not in KINDS:
        raise Http404
    return KINDS[key]


def _answered_letter(request: SignedInRequest, id: Any) -> UUID | None:
    """Return the id of the letter that a new one answers, if it is visible to this person."""
    try:
        wanted = UUID(str(id))
    except ValueError:
        return None
    letters = Letter.objects.visible_to(request.user, timezone.now())
    return wanted if letters.filter(pk=wanted).exists() else None


def _timestamp() -> int:
    return int(timezone.now().timestamp())


def _started_at(request: SignedInRequest) -> int:
    """Return when the writer started, in Unix seconds: `since`, if an earlier page passes it."""
    since: int | None = LetterForm.base_fields["since"].clean(request.GET.get("since"))
    now = _timestamp()
    if since is None or not 0 <= now - since < MAX_WRITING_TIME.total_seconds():
        return now
    return since


def _render_desk(
    request: SignedInRequest,
    kind: LetterKind,
    form: LetterForm,
    *,
    letter: Letter | None = None,
    status: int = 200,
) -> HttpResponse:
    is_first = letter is None and not Letter.objects.of(request.user).exists()
    if is_first and not form.errors:
        # The open note stands after the paper: a screen reader says it before anything is written.
        form.fields["body"].widget.attrs["aria-describedby"] = "care"
    context = {
        "kind": kind,
        "form": form,
        "letter": letter,
        "is_first": is_first,
        "letter_id": letter.pk if letter else _id_to_be(request, form),
        "lines": [text for _, text in _openings(request, kind) if text],
        "device_key": device_copies_key(request.user),
        "kept": _kept_at(letter.changed_at) if letter else "",
        "undecided": letter.late_revision_id() if letter else None,
    }
    return render(request, "journal/desk.html", context, status=status)


def _id_to_be(request: SignedInRequest, form: LetterForm) -> UUID | None:
    """Return the id that the letter of this new page will have; None if that is not known."""
    try:
        return Letter.stored_id(request.user, form.initial["id"])
    except CannotOpen:
        return None


def _openings(request: SignedInRequest, kind: LetterKind) -> list[tuple[UUID, str]]:
    """Return ids and texts of own first lines; the text is empty if one cannot be opened."""
    rows = Opening.objects.of(request.user).filter(kind=kind.key).order_by("created_at", "pk")
    return [(row.pk, _text_of(row, request.user)) for row in rows]


def _text_of(row: Opening, person: User) -> str:
    try:
        contents = row.open(person.key)
    except CannotOpen:
        return ""
    return contents.text


# --- Saving --------------------------------------------------------------------------------


def _save_form(
    request: SignedInRequest, kind: LetterKind, *, id: UUID | None = None
) -> HttpResponse:
    form = LetterForm(kind, request.POST)
    if not form.is_valid():
        return _render_desk(request, kind, form)
    try:
        saved = _save(request, kind, form, id=id or form.cleaned_data["id"])
    except NOT_SAVED as error:
        message, status = refusal_of(error)
        form.add_error(None, message)
        return _render_desk(request, kind, form, status=status)
    except TooManyLate as error:
        form.add_error(None, _too_many_late())
        return _render_desk(request, kind, form, letter=error.letter, status=422)
    except LetterGone:
        return _give_back(request, kind)
    return _redirect_after_save(request, form, saved)


def _save(request: SignedInRequest, kind: LetterKind, form: LetterForm, *, id: UUID) -> Saved:
    submission = form.submission
    # Only a new letter can become an answer.
    is_new = not submission.version
    return save_words(
        person=request.user,
        id=id,
        submission=submission,
        kind=kind.key,
        answers_id=_answered_letter(request, form.cleaned_data["answers"]) if is_new else None,
        now=timezone.now(),
    )


def _give_back(request: SignedInRequest, kind: LetterKind) -> HttpResponse:
    """Show words whose letter is gone on the page of a new letter, without saving them."""
    form = LetterForm(kind, request.POST)
    if not form.is_valid():
        raise Gone
    messages.warning(request, _letter_is_gone())
    words = form.submission.words
    initial = {"to": words.to, "body": words.body}
    initial |= {name: form.cleaned_data[name] for name in ("since", "answers")}
    return _render_desk(request, kind, LetterForm(kind, initial=initial), status=404)


def _redirect_after_save(request: SignedInRequest, form: LetterForm, saved: Saved) -> HttpResponse:
    letter = saved.letter
    if isinstance(saved, SavedBeside):
        return redirect("journal:version", letter.pk, saved.revision.pk)
    if saved.is_quota_nearly_full:
        messages.warning(request, quota_nearly_full_message())
    if saved.is_separate:
        messages.info(request, _letter_cannot_be_changed())
    if request.POST.get("then") != "close":
        since = form.cleaned_data["since"]
        return _redirect("journal:edit", letter, "" if since is None else f"?since={since}")
    took_long = form.has_taken_long(timezone.now())
    return _redirect("journal:close", letter, "?long=1" if took_long else "")


def _redirect(name: str, letter: Letter, query: str) -> HttpResponse:
    # Not `redirect`, which tries to reverse an address with a query as a name first.
    return HttpResponseRedirect(reverse(name, args=[letter.pk]) + query)


def _kept_at(moment: datetime) -> str:
    return _("Saved at %(time)s.") % {"time": time_of_day(moment)}


def _letter_cannot_be_changed() -> str:
    return _(
        "That letter cannot be changed now and stays as it was. What you wrote since is this draft."
    )


def _too_many_late() -> str:
    return _(
        "This one is not saved yet: twenty other versions of this letter wait for you to decide. "
        "Decide about one of them, and there is room for this one."
    )


def _letter_is_gone() -> str:
    return _("Your words are still here. The letter itself is gone: thrown away, or let go.")


# --- Endpoints of the script ---------------------------------------------------------------


@require_POST
@transaction.non_atomic_requests
def autosave(request: SignedInRequest, id: UUID) -> HttpResponse:
    """Save the words of an open page. Responds with JSON:

    200 `{id, version, address, said, moved, overtaken}`: saved in the letter of this id. `moved` is
    a message if that is a separate draft; `overtaken` means that it has newer words of this page.
    409 `{revision, said, link}`: another page changed the letter first; both texts are stored.
    410, 422, 503 `{said}`: not saved, and why.
    """
    kind = _get_kind_or_404(request.POST.get("kind", ""))
    form = LetterForm(kind, request.POST)
    if not form.is_valid():
        said = " ".join(str(error) for errors in form.errors.values() for error in errors)
        return JsonResponse({"said": said}, status=422)
    try:
        saved = _save(request, kind, form, id=id)
    except CannotOpen:
        said = _("They are not saved yet. Your key does not open at the moment.")
        return JsonResponse({"said": said}, status=503)
    except QuotaExceeded:
        return JsonResponse({"said": quota_exceeded_message()}, status=422)
    except TooManyLate:
        return JsonResponse({"said": _too_many_late()}, status=422)
    except LetterGone:
        return JsonResponse({"said": _letter_is_gone()}, status=410)
    return _saved_as_json(saved)


def _saved_as_json(saved: Saved) -> JsonResponse:
    letter = saved.letter
    if isinstance(saved, SavedBeside):
        link = reverse("journal:version", args=[letter.pk, saved.revision.pk])
        said = _("This letter was changed on another page. Both are saved.")
        return JsonResponse({"revision": saved.revision.pk, "said": said, "link": link}, status=409)
    said = _kept_at(letter.changed_at)
    if saved.is_quota_nearly_full:
        said = f"{said} {quota_nearly_full_message()}"
    return JsonResponse(
        {
            "id": letter.pk,
            "version": letter.version,
            "address": reverse("journal:edit", args=[letter.pk]),
            "said": said,
            "moved": _letter_cannot_be_changed() if saved.is_separate else "",
            "overtaken": isinstance(saved, Superseded),
        }
    )


@require_safe
@transaction.non_atomic_requests
def token(request: SignedInRequest) -> HttpResponse:
    """Return a new CSRF token for a page whose session ended while it was open, and the device
    key, by which it knows whether the same person is signed in."""
    return JsonResponse({"csrf": get_token(request), "key": device_copies_key(request.user)})


# --- Own first lines -----------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def openings(request: SignedInRequest, kind: str) -> HttpResponse:
    chosen = _get_kind_or_404(kind)
    form = OpeningForm(request.POST if request.method == "POST" else None)
    try:
        if form.is_bound and form.is_valid():
            opening_line_actions.add_opening(
                person=request.user,
                kind=chosen.key,
                text=form.cleaned_data["opening"],
                now=timezone.now(),
            )
            return redirect("journal:openings", chosen.key)
    except CannotOpen:
        return cannot_open(request)
    except opening_line_actions.TooManyOpenings:
        form.add_error("opening", _("You can keep twelve. Remove one first."))
    context = {"kind": chosen, "form": form, "lines": _openings(request, chosen)}
    return render(request, "journal/openings.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def remove_opening(request: SignedInRequest, id: UUID) -> HttpResponse:
    row = get_or_gone(Opening.objects.of(request.user), pk=id)
    if request.method == "POST":
        row.delete()
    return redirect("journal:openings", row.kind)
