"""Forms that could not be taken, given back to whoever sent them: nothing is stored."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.http import HttpRequest
from django.urls import reverse

# Fields of our forms that hold nothing anyone wrote.
NOT_WRITING = frozenset(
    {"id", "state", "hour", "zone", "time_zone", "language", "after", "consent", "next", "version"}
    # Of a letter.
    | {"kind", "revision", "answers", "since", "then", "keep", "day", "tell_hour", "leaves_line"}
    | {"sitting", "turn", "waited"}
)
# On allauth’s own pages. An exercise may call a field of words the same.
NOT_WRITING_AT_THE_DOOR = NOT_WRITING | {"action", "code", "credential"}


@dataclass(frozen=True)
class SentField:
    name: str
    value: str
    is_writing: bool


@dataclass(frozen=True)
class ReturnedForm:
    """A form as it was sent, but for its token and its passwords."""

    address: str
    fields: list[SentField]
    # Whether one of our own pages sent it. Another site’s form is shown, not offered to be sent.
    is_ours: bool


def has_writing(request: HttpRequest) -> bool:
    return any(field.is_writing for field in _sent(request))


def returned_form(request: HttpRequest) -> ReturnedForm | None:
    if not has_writing(request):
        return None
    return ReturnedForm(request.get_full_path(), list(_sent(request)), _is_ours(request))


def _sent(request: HttpRequest) -> Iterator[SentField]:
    at_the_door = request.path.startswith(reverse("account_index"))
    known = NOT_WRITING_AT_THE_DOOR if at_the_door else NOT_WRITING
    for name, values in request.POST.lists():
        if name != "csrfmiddlewaretoken" and "password" not in name:
            for value in values:
                yield SentField(name, value, name not in known and bool(value.strip()))


def _is_ours(request: HttpRequest) -> bool:
    """Browsers say where a form comes from, in one of these ways."""
    said = request.headers.get("Origin") or request.headers.get("Referer", "")
    with suppress(ValueError):
        return urlsplit(said).netloc == request.get_host()
    return False


def page_before(request: HttpRequest) -> str:
    """The page of ours they came from. Many addresses that take a form show nothing themselves."""
    with suppress(ValueError):
        referrer = urlsplit(request.headers.get("Referer", ""))
        if referrer.netloc == request.get_host() and not referrer.path.startswith("//"):
            return referrer.path
    return reverse("home:today")
