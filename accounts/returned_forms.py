"""Give a posted form back to its sender when it could not be accepted (ADR 25).

A form with writing names its owner: the person on whose page it was written. Its words are shown
only to a proven owner, that is a person who was signed in and not locked when the request began.
Anybody else gets them sealed: in one opaque value on the page, which opens for the owner alone.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.db import DatabaseError
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.crypto import salted_hmac

from vault import expiring_session_entries
from vault.key_ring import KeyRing, ring
from vault.primary_key_check import sealing_ring
from vault.sealing import CannotOpen, pack, unpack

Form = TypeVar("Form", bound=type[BaseForm])

# Hidden fields of ours: whose page the form is on, a sealed form, and that it was given back.
OWNER, SEALED_FORM, GIVEN_BACK = "form_owner", "sealed_form", "given_back"
NEVER_RETURNED = {"csrfmiddlewaretoken", OWNER, SEALED_FORM, GIVEN_BACK}

PURPOSE = "accounts.returned_form"
# A page with a sealed form may stay open overnight. In a session it waits for the proof only.
OPENS_FOR = timedelta(days=1)
WAITS_FOR = timedelta(hours=1)
# In characters: a letter of the longest kind fits, in any script.
MAX_SEALED_LENGTH = 1_000_000
WAITING_FORMS = "returned_forms"
# How many forms a session holds, and how many characters together. Each of its requests reads them.
MAX_WAITING = 10, MAX_SEALED_LENGTH
MAX_WAITING_OF_VISITOR = 3, 200_000

# The names that each form declares by `not_writing`: for every page, or for account pages only.
ON_EVERY_PAGE: dict[type[BaseForm], frozenset[str]] = {}
ON_ACCOUNT_PAGES: dict[type[BaseForm], frozenset[str]] = {}


def not_writing(*names: str, account_pages_only: bool = False) -> Callable[[Form], Form]:
    """Declare the fields and buttons of a form whose values are not a person's writing.

    A class decorator for every form, also for one without such names. A name applies to all forms,
    because a form may be given back before its view is known. A name that exercises may use for a
    field of words must be declared for the account pages only.
    """
    declared = ON_ACCOUNT_PAGES if account_pages_only else ON_EVERY_PAGE

    def declare(form_class: Form) -> Form:
        declared[form_class] = frozenset(names)
        return form_class

    return declare


@dataclass(frozen=True)
class SentField:
    name: str
    value: str
    is_writing: bool


@dataclass(frozen=True)
class ReturnedForm:
    """A form as it was posted, without its CSRF token and passwords."""

    address: str
    owner: str
    fields: list[SentField]
    # Some can only be copied: nothing takes them at their address any more.
    can_be_sent: bool


class OwnedRequest(HttpRequest):
    # The mark of the person who was signed in and not locked when the request began, and all marks
    # that name them.
    form_owner: str
    form_owner_marks: frozenset[str]
    # Set by a view that redirects without having accepted the form.
    is_refused: bool


def owner_mark(person_id: UUID) -> str:
    """Return what names this person in a form of theirs: the same in every session, and useless to
    anybody who reads it. It does not depend on SECRET_KEY: a page that is open while that changes
    would seem to be somebody else's."""
    digest = sha256(b"accounts.form_owner:" + person_id.bytes).digest()
    return UUID(bytes=digest[:16]).hex


def _marks(person_id: UUID) -> frozenset[str]:
    """Return all marks of a person: pages from before this release have another one."""
    digest = salted_hmac("accounts.form_owner", str(person_id), algorithm="sha256").digest()
    return frozenset({owner_mark(person_id), UUID(bytes=digest[:16]).hex})


def record_proof(request: HttpRequest, person_id: UUID) -> None:
    """Remember, without any further query, who is proven for the whole of this request."""
    owned = cast(OwnedRequest, request)
    owned.form_owner, owned.form_owner_marks = owner_mark(person_id), _marks(person_id)


def is_withheld(request: HttpRequest) -> bool:
    """Whether the form was written on a page of a person who is not proven now."""
    owner = _posted_owner(request)
    return owner != "" and owner not in _proven_owner(request)


def has_writing(request: HttpRequest) -> bool:
    return any(field.is_writing for field in _sent_fields(request))


def returned_form(request: HttpRequest, *, can_be_sent: bool = True) -> ReturnedForm | None:
    """Return the posted form if its proven owner has sent it, and wrote something in it."""
    owner = _posted_owner(request)
    if not owner or is_withheld(request) or not has_writing(request):
        return None
    return ReturnedForm(request.get_full_path(), owner, list(_sent_fields(request)), can_be_sent)


def posted_writing(request: HttpRequest) -> ReturnedForm:
    """Return what was posted to a page that is gone or has changed, to be copied by its writer.

    Forms of other people with an account never get as far (`FormOwnerMiddleware`).
    """
    return ReturnedForm(request.get_full_path(), "", list(_sent_writing(request)), False)


def sealed_form(request: HttpRequest, *, now: datetime, can_be_sent: bool = True) -> str:
    """Return the posted form sealed for its owner, who is not proven; an empty string if there is
    nothing to give back. Raises CannotSeal: by a wrong master key it would be sealed for ever."""
    if request.path == reverse("account_hold_returned"):
        return request.POST.get(SEALED_FORM, "")
    if not is_withheld(request) or not has_writing(request):
        return ""
    form = ReturnedForm(
        request.get_full_path(), _posted_owner(request), list(_sent_fields(request)), can_be_sent
    )
    sealed = _seal(form, now)
    return sealed if len(sealed) <= MAX_SEALED_LENGTH else ""


def open_form(sealed: str, *, now: datetime) -> ReturnedForm:
    """Open what `sealed_form` returned. Raises CannotOpen, also if that was too long ago.

    The caller compares the owner.
    """
    owner, _, data = sealed.partition(".")
    try:
        row, encrypted = UUID(owner), urlsafe_b64decode(data)
    except ValueError as error:
        raise CannotOpen from error
    contents = unpack(ring().open(PURPOSE, row, encrypted))
    if now.timestamp() - contents["at"] >= OPENS_FOR.total_seconds():
        raise CannotOpen
    fields = [SentField(**field) for field in contents["fields"]]
    return ReturnedForm(contents["address"], row.hex, fields, contents["can_be_sent"])


def belongs_to_sender(form: ReturnedForm, request: HttpRequest) -> bool:
    return form.owner in _proven_owner(request)


def hold(session: SessionBase, sealed: str, *, now: datetime) -> bool:
    """Let a sealed form wait in the session until its owner has proved who they are. Returns False
    if there is no room: none that waits is dropped for another."""
    id = sha256(sealed.encode()).hexdigest()[:16]
    others = expiring_session_entries.current(session, WAITING_FORMS, now=now)
    # Sent twice, it waits once.
    others.pop(id, None)
    max_forms, max_length = MAX_WAITING if SESSION_KEY in session else MAX_WAITING_OF_VISITOR
    length = len(sealed) + sum(len(other) for _, other in others.values())
    if len(others) >= max_forms or length > max_length:
        return False
    session[WAITING_FORMS] = others | {id: ((now + WAITS_FOR).timestamp(), sealed)}
    return True


def form_waits_of(session: SessionBase | Mapping[str, Any], person_id: UUID) -> bool:
    """Whether a form that waits in this session was written by this person."""
    marks, waiting = _marks(person_id), session.get(WAITING_FORMS, {})
    return any(sealed.partition(".")[0] in marks for _, sealed in waiting.values())


def waiting_forms(session: SessionBase, *, now: datetime) -> dict[str, str]:
    """Return the sealed forms that wait, by their ids, the newest first."""
    entries = expiring_session_entries.current(session, WAITING_FORMS, now=now)
    return {id: sealed for id, (_, sealed) in reversed(entries.items())}


def drop_waiting_form(session: SessionBase, id: str) -> None:
    waiting = session.get(WAITING_FORMS, {})
    if id in waiting:
        del waiting[id]
        session[WAITING_FORMS] = waiting


def keep_waiting(request: HttpRequest) -> None:
    """Say that the redirect of this request does not follow what was accepted."""
    cast(OwnedRequest, request).is_refused = True


def drop_accepted_form(request: HttpRequest, response: HttpResponse) -> None:
    """Drop the waiting form that was sent again. A redirect follows what was accepted."""
    is_refused = getattr(request, "is_refused", False)
    if response.status_code == 302 and not is_refused and GIVEN_BACK in request.POST:
        drop_waiting_form(request.session, request.POST[GIVEN_BACK])


def page_before(request: HttpRequest) -> str:
    """The page of ours this request came from: an address that takes a form may show nothing on a
    GET."""
    with suppress(ValueError):
        referrer = urlsplit(request.headers.get("Referer", ""))
        if referrer.netloc == request.get_host() and not referrer.path.startswith("//"):
            return referrer.path
    return reverse("home:today")


def _proven_owner(request: HttpRequest) -> frozenset[str]:
    """Return the marks of the person who is proven."""
    # Unset if the request failed before anybody could be signed in, as without a database.
    return getattr(request, "form_owner_marks", frozenset())


def _posted_owner(request: HttpRequest) -> str:
    """Return the mark in the posted form; an empty string if no page of ours can have sent it."""
    with suppress(ValueError):
        return UUID(request.POST.get(OWNER, "")).hex
    return ""


def _sent_fields(request: HttpRequest) -> Iterator[SentField]:
    declared = frozenset().union(*ON_EVERY_PAGE.values())
    if request.path.startswith(reverse("account_index")):
        declared = declared.union(*ON_ACCOUNT_PAGES.values())
    for name, values in request.POST.lists():
        if name not in NEVER_RETURNED and "password" not in name:
            for value in values:
                yield SentField(name, value, name not in declared and bool(value.strip()))


def _sent_writing(request: HttpRequest) -> Iterator[SentField]:
    return (field for field in _sent_fields(request) if field.is_writing)


def _seal(form: ReturnedForm, now: datetime) -> str:
    contents = asdict(form) | {"at": now.timestamp()}
    encrypted = _sealing_ring().seal(PURPOSE, UUID(form.owner), pack(contents))
    return f"{form.owner}.{urlsafe_b64encode(encrypted).decode()}"


def _sealing_ring() -> KeyRing:
    try:
        return sealing_ring()
    except DatabaseError:
        # The page is about to say that the database is away; it cannot be asked about the key.
        return ring()
