"""Tell a sign-up that was begun in a certain place from any other one in the same browser.

A button of that place leaves a mark in the session, and the one sign-up page that it leads to sends
a token along. Somebody who opens the page in another way may be another person: then there is no
mark.
"""

from datetime import datetime, timedelta
from typing import TypedDict
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts.allauth_internals import EMAIL_VERIFICATION_CODE_SESSION_KEY
from accounts.models import User

SESSION_KEY = "sign_up_origin"
# The hidden field of the sign-up page.
FIELD = "sign_up_origin"
# A browser follows a redirect at once. Later, somebody else may have opened the sign-up page.
FOLLOWED_WITHIN = timedelta(minutes=1)


class Mark(TypedDict):
    token: str
    is_shown: bool
    # The account that was made; None before.
    person: str | None
    # What is there when the button is pressed. What comes later may be somebody else's.
    about: list[str]
    begun_at: float


def begin(request: HttpRequest, onward: str, *, about: list[str], now: datetime) -> HttpResponse:
    """Lead to the sign-up page, and from there to this address of ours."""
    request.session[SESSION_KEY] = Mark(
        token=uuid4().hex, is_shown=False, person=None, about=about, begun_at=now.timestamp()
    )
    return HttpResponseRedirect(f"{reverse('account_signup')}?{urlencode({'next': onward})}")


def check(request: HttpRequest, *, now: datetime) -> None:
    """Before the sign-up page answers: drop the mark unless it was begun for this very page."""
    mark: Mark | None = request.session.get(SESSION_KEY)
    if mark is None:
        return
    if request.method == "POST":
        is_ours = request.POST.get(FIELD) == mark["token"]
    else:
        is_fresh = now.timestamp() - mark["begun_at"] < FOLLOWED_WITHIN.total_seconds()
        is_ours = is_fresh and not mark["is_shown"]
    if is_ours:
        request.session[SESSION_KEY] = mark | {"is_shown": True, "person": None}
    else:
        forget(request.session)


def remember_account(session: SessionBase) -> None:
    """After the sign-up page has answered: bind the mark to the account that waits for its code."""
    mark: Mark | None = session.get(SESSION_KEY)
    if mark is not None and (state := session.get(EMAIL_VERIFICATION_CODE_SESSION_KEY)):
        mark["person"] = state.get("user_id")
        session[SESSION_KEY] = mark


def about(session: SessionBase, person: User) -> list[str]:
    """What was there when this person began to make their account, in this session."""
    mark: Mark | None = session.get(SESSION_KEY)
    is_theirs = mark and mark["person"] is not None and UUID(mark["person"]) == person.pk
    return mark["about"] if mark and is_theirs else []


def forget(session: SessionBase) -> None:
    session.pop(SESSION_KEY, None)
