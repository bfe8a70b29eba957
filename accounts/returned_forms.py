"""Give a posted form back to its sender when it could not be accepted; nothing of it is stored."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

from django.forms import BaseForm
from django.http import HttpRequest
from django.urls import reverse

Form = TypeVar("Form", bound=type[BaseForm])

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
    fields: list[SentField]
    # Whether one of our pages sent it. Another site's form is shown but cannot be sent again.
    is_ours: bool


def has_writing(request: HttpRequest) -> bool:
    return any(field.is_writing for field in _sent_fields(request))


def returned_form(request: HttpRequest) -> ReturnedForm | None:
    if not has_writing(request):
        return None
    return ReturnedForm(request.get_full_path(), list(_sent_fields(request)), _is_ours(request))


def page_before(request: HttpRequest) -> str:
    """The page of ours this request came from: an address that takes a form may show nothing on a
    GET."""
    with suppress(ValueError):
        referrer = urlsplit(request.headers.get("Referer", ""))
        if referrer.netloc == request.get_host() and not referrer.path.startswith("//"):
            return referrer.path
    return reverse("home:today")


def _sent_fields(request: HttpRequest) -> Iterator[SentField]:
    declared = frozenset().union(*ON_EVERY_PAGE.values())
    if request.path.startswith(reverse("account_index")):
        declared = declared.union(*ON_ACCOUNT_PAGES.values())
    for name, values in request.POST.lists():
        if name != "csrfmiddlewaretoken" and "password" not in name:
            for value in values:
                yield SentField(name, value, name not in declared and bool(value.strip()))


def _is_ours(request: HttpRequest) -> bool:
    """Browsers send Origin or Referer with a form, depending on their privacy settings."""
    source = request.headers.get("Origin") or request.headers.get("Referer", "")
    with suppress(ValueError):
        return urlsplit(source).netloc == request.get_host()
    return False
