"""The desk: where a letter is written, by hand or kept by a script as it goes."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse, HttpResponseRedirect, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.error_views import NotHere, cannot_open, not_kept
from accounts.models import User
from accounts.request_types import SignedInRequest
from journal import actions
from journal.device_key import key_of
from journal.forms import ONE_SITTING, ChooseForm, OpeningForm, PaperForm, SinceForm
from journal.letter_kinds import KINDS, PLAIN_DAY, TO_THEM, Kind
from journal.models import (
    Letter,
    LetterContents,
    LetterQuerySet,
    NotNow,
    Opening,
    OpeningContents,
    Revision,
    still_afloat,
)
from vault.models import SealedQuerySet
from vault.sealing import CannotOpen


def _kind(key: str) -> Kind:
    if key not in KINDS:
        raise Http404
    return KINDS[key]


def _theirs(request: SignedInRequest) -> LetterQuerySet:
    letters: LetterQuerySet = Letter.objects.of(request.user).there(still_afloat(timezone.now()))
    return letters


def _one(rows: SealedQuerySet, **named: Any) -> Any:
    row = rows.filter(**named).first()
    if row is None:
        raise NotHere
    return row


@require_safe
@transaction.non_atomic_requests
def write(request: SignedInRequest) -> HttpResponse:
    """Choose a kind of letter. Whoever keeps asking why is shown a plain day first."""
    asks_why = "why" in request.GET
    kinds = [PLAIN_DAY, *(kind for kind in KINDS.values() if kind is not PLAIN_DAY)]
    context = {
        "kinds": kinds if asks_why else list(KINDS.values()),
        "asks_why": asks_why,
        "answers": _answered(request, request.GET.get("answers")),
    }
    return render(request, "journal/write.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.non_atomic_requests
def paper(request: SignedInRequest, kind: str) -> HttpResponse:
    """A new letter."""
    if request.method == "POST":
        return _keep(request, _kind(kind))
    sheet = {"answers": _answered(request, request.GET.get("answers")), "since": _now()}
    return _desk(request, _kind(kind), PaperForm(_kind(kind), initial=sheet))


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.non_atomic_requests
def edit(request: SignedInRequest, id: UUID) -> HttpResponse:
    """A draft, where it was left."""
    letter: Letter | None = _theirs(request).filter(pk=id).first()
    kind = KINDS.get(letter.kind if letter else request.POST.get("kind", ""), TO_THEM)
    if request.method == "POST":
        # Words that were sent are taken in, whatever has become of their letter.
        return _keep(request, kind, id=id) if letter else _not_there(request, kind)
    if letter is None:
        raise NotHere
    if not letter.is_draft:
        return redirect("journal:letter", letter.pk)
    try:
        contents: LetterContents = letter.open(request.user.key)
    except CannotOpen:
        return cannot_open(request)
    sheet = {"id": id, "version": letter.version, "to": contents.to, "body": contents.body}
    sheet["since"] = _since(request)
    return _desk(request, kind, PaperForm(kind, initial=sheet), letter=letter)


def _now() -> int:
    """In seconds as computers count them."""
    return int(timezone.now().timestamp())


def _since(request: SignedInRequest) -> int:
    """When they sat down: before this page, where it follows another of the same paper."""
    form, now = SinceForm(request.GET), _now()
    form.is_valid()
    since = form.cleaned_data["since"]
    is_today = since is not None and 0 <= now - since < ONE_SITTING.total_seconds()
    return since if is_today else now


def _desk(
    request: SignedInRequest,
    kind: Kind,
    form: PaperForm,
    *,
    letter: Letter | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "kind": kind,
        "form": form,
        "letter": letter,
        "lines": [text for _, text in _lines(request, kind) if text],
        "device_key": key_of(request.user),
        "kept": _kept(letter.changed_at) if letter else "",
        "undecided": letter.undecided() if letter else None,
    }
    return render(request, "journal/desk.html", context, status=status)


def _lines(request: SignedInRequest, kind: Kind) -> list[tuple[UUID, str]]:
    """Their own first lines beside this kind of letter; no words where one does not open."""
    rows = Opening.objects.of(request.user).filter(kind=kind.key).order_by("created_at", "pk")
    return [(row.pk, _text_of(row, request.user)) for row in rows]


def _text_of(row: Opening, person: User) -> str:
    try:
        contents: OpeningContents = row.open(person.key)
    except CannotOpen:
        return ""
    return contents.text


def _keep(request: SignedInRequest, kind: Kind, *, id: UUID | None = None) -> HttpResponse:
    form = PaperForm(kind, request.POST)
    if not form.is_valid():
        return _desk(request, kind, form)
    try:
        saved = _save(request, kind, form, id=id or form.cleaned_data["id"])
    except CannotOpen:
        form.add_error(None, not_kept())
        return _desk(request, kind, form, status=503)
    except actions.ThrownAway:
        return _not_there(request, kind)
    return _after(request, form, saved)


def _not_there(request: SignedInRequest, kind: Kind) -> HttpResponse:
    """The letter is gone, and what was sent is not: it lies on a new paper, to keep or to leave."""
    form = PaperForm(kind, request.POST)
    if not form.is_valid():
        raise NotHere
    messages.warning(request, _thrown_away())
    words = form.sheet.words
    sheet = {"to": words.to, "body": words.body}
    sheet |= {name: form.cleaned_data[name] for name in ("since", "answers")}
    return _desk(request, kind, PaperForm(kind, initial=sheet), status=404)


def _save(request: SignedInRequest, kind: Kind, form: PaperForm, *, id: UUID) -> actions.Saved:
    return actions.save_words(
        person=request.user,
        id=id,
        sheet=form.sheet,
        kind=kind.key,
        # Only a letter that begins can begin as an answer.
        answers=None if form.sheet.version else _answered(request, form.cleaned_data["answers"]),
        now=timezone.now(),
    )


def _answered(request: SignedInRequest, id: Any) -> UUID | None:
    """The letter of theirs that a new one answers, where there is one."""
    try:
        wanted = UUID(str(id))
    except ValueError:
        return None
    return wanted if _theirs(request).filter(pk=wanted).exists() else None


def _after(request: SignedInRequest, form: PaperForm, saved: actions.Saved) -> HttpResponse:
    letter = saved.letter
    if saved.revision:
        return redirect("journal:version", letter.pk, saved.revision.pk)
    if saved.is_apart:
        messages.info(request, _closed_meanwhile())
    if request.POST.get("then") != "close":
        since = form.cleaned_data["since"]
        return _to("journal:edit", letter, "" if since is None else f"?since={since}")
    return _to("journal:close", letter, "?long=1" if form.has_taken_long(timezone.now()) else "")


def _to(name: str, letter: Letter, query: str) -> HttpResponse:
    # An address as it is: “redirect” would look among the names of pages for it first.
    return HttpResponseRedirect(reverse(name, args=[letter.pk]) + query)


# --- What the script asks ------------------------------------------------------------------


@require_POST
@transaction.non_atomic_requests
def autosave(request: SignedInRequest, id: UUID) -> HttpResponse:
    """Keep what is on the paper now. Answers in JSON:

    200 `{version, id, said}`: kept, in the letter of this id; `moved` where that is another one,
    `overtaken` where newer words of the same page stand there.
    409 `{revision, said, link}`: other words came first, both are kept.
    410, 422, 503 `{said}`: not kept, and why.
    """
    kind = _kind(request.POST.get("kind", ""))
    form = PaperForm(kind, request.POST)
    if not form.is_valid():
        said = " ".join(str(error) for errors in form.errors.values() for error in errors)
        return JsonResponse({"said": said}, status=422)
    try:
        saved = _save(request, kind, form, id=id)
    except CannotOpen:
        said = _("They are not kept yet. Your key does not open at the moment.")
        return JsonResponse({"said": said}, status=503)
    except actions.ThrownAway:
        return JsonResponse({"said": _thrown_away()}, status=410)
    return _told(saved)


def _told(saved: actions.Saved) -> JsonResponse:
    letter = saved.letter
    if saved.revision:
        link = reverse("journal:version", args=[letter.pk, saved.revision.pk])
        said = _("This letter was changed on another page. Both are kept.")
        told = {"revision": saved.revision.pk, "said": said, "link": link}
        return JsonResponse(told, status=409)
    return JsonResponse(
        {
            "id": letter.pk,
            "version": letter.version,
            "address": reverse("journal:edit", args=[letter.pk]),
            "said": _kept(letter.changed_at),
            "moved": _closed_meanwhile() if saved.is_apart else "",
            "overtaken": saved.is_overtaken,
        }
    )


@require_safe
@transaction.non_atomic_requests
def token(request: SignedInRequest) -> HttpResponse:
    """What a page that stood open while its session ended needs to go on: a token for forms, and
    whose words may be sent with it."""
    return JsonResponse({"csrf": get_token(request), "key": key_of(request.user)})


def _kept(at: datetime) -> str:
    # Translators: how a time of day is written, in the letters of Django's date filter.
    time = date_format(timezone.localtime(at), _("g:i A"))
    return _("Kept at %(time)s.") % {"time": time.lower()}


def _closed_meanwhile() -> str:
    return _(
        "That letter cannot be changed now and stays as it was. What you wrote since is this draft."
    )


def _thrown_away() -> str:
    return _("Your words are still here. The letter itself is gone: thrown away, or let go.")


# --- Earlier versions ----------------------------------------------------------------------


@require_safe
@transaction.non_atomic_requests
def versions(request: SignedInRequest, id: UUID) -> HttpResponse:
    """The days and hours of a letter's earlier versions. Words after a tap."""
    letter = _one(_theirs(request), pk=id)
    if not letter.is_open:
        return redirect("journal:letter", letter.pk)
    rows = Revision.objects.of(request.user).filter(letter=letter).newest_first()
    context = {"letter": letter, "rows": rows.defer("sealed")}
    return render(request, "journal/versions.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def version(request: SignedInRequest, id: UUID, revision: UUID) -> HttpResponse:
    """Two texts of one letter, and which of them is to stand in it."""
    letter = _one(_theirs(request), pk=id)
    if not letter.is_open:
        return redirect("journal:letter", letter.pk)
    row = _one(Revision.objects.of(request.user), letter=letter, pk=revision)
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
    # Every field of it takes whatever comes.
    form.is_valid()
    chosen = form.cleaned_data["keep"]
    which = actions.RevisionRef(person=request.user, id=letter.pk, revision=row.pk)
    try:
        if chosen == "both":
            letter = actions.keep_both(which, now=now)
            messages.info(request, _("Both are kept. This is the other one."))
        elif chosen == "other":
            actions.put_back(which, version=form.cleaned_data["version"], now=now)
            messages.info(request, _("It stands in your letter again."))
        else:
            actions.leave_as_it_is(which)
    except NotNow:
        messages.warning(request, _("Your letter has changed since. Look at both once more."))
        return redirect("journal:version", letter.pk, row.pk)
    return redirect("journal:edit", letter.pk)


# --- Own first lines -----------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def openings(request: SignedInRequest, kind: str) -> HttpResponse:
    """Their own first lines beside this kind of letter."""
    chosen = _kind(kind)
    form = OpeningForm(request.POST if request.method == "POST" else None)
    try:
        if form.is_bound and form.is_valid():
            actions.keep_opening(
                person=request.user,
                kind=chosen.key,
                text=form.cleaned_data["opening"],
                now=timezone.now(),
            )
            return redirect("journal:openings", chosen.key)
    except CannotOpen:
        return cannot_open(request)
    except actions.TooMany:
        form.add_error("opening", _("There is room for twelve. Take one away first."))
    context = {"kind": chosen, "form": form, "lines": _lines(request, chosen)}
    return render(request, "journal/openings.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def remove_opening(request: SignedInRequest, id: UUID) -> HttpResponse:
    row = _one(Opening.objects.of(request.user), pk=id)
    if request.method == "POST":
        row.delete()
    return redirect("journal:openings", row.kind)
