"""Tell a form of the present visit from one that a browser sends again (ADR 17)."""

from django.http import HttpRequest

from vault.sessions import LOCKED_AT

FIELD = "visit"


def visit(request: HttpRequest) -> str:
    """What a form carries: another value once the person has signed out, or the session has locked
    or ended. A form of a locked session is of the visit after the lock."""
    owner: str = getattr(request, "form_owner", "")
    return owner or str(request.session.get(LOCKED_AT, ""))


def is_of_this_visit(request: HttpRequest) -> bool:
    return request.POST.get(FIELD, "") == visit(request)
