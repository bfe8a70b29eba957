"""How often a mailed code may be guessed, counted exactly.

allauth counts in the session: guesses that come at once all read the same count, and each of them
is looked at. So each first takes one of the few places there are, a row in the cache's table that
nobody else can take too.
"""

from datetime import timedelta
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.code_verification import AbstractCodeVerificationProcess
from django.contrib import messages
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

# Longer than a code can be entered, also where it is sent again.
LASTS = timedelta(hours=1)
# In the state of a code that was sent again, or whose time begins anew once it has come back: when
# the first one was sent.
BEGAN_AT = "began_at"


def one_too_many(
    request: HttpRequest, waiting: AbstractCodeVerificationProcess | None
) -> HttpResponse | None:
    """The answer to a guess for which no place is left; whatever code it names is not looked at.
    None for any other, and for whatever is no guess."""
    if waiting is None or not _is_guess(request, waiting.state):
        return None
    if _takes_place(waiting.state, of=waiting.max_attempts):
        return None
    waiting.abort()
    messages.error(request, get_adapter().error_messages["too_many_login_attempts"])
    return redirect("account_login")


def sent_again(state: dict[str, Any], *, at: float) -> dict[str, Any]:
    """A code that lasts from now on. The tries at the one before it stay counted."""
    return state | {"at": at, BEGAN_AT: began_at(state)}


def began_at(state: dict[str, Any]) -> float:
    """To the microsecond. A session's key would not do to count by: it changes each time somebody
    leaves."""
    return float(state.get(BEGAN_AT, state["at"]))


def _is_guess(request: HttpRequest, state: dict[str, Any]) -> bool:
    # Whatever else it asks for: allauth looks at a code where it cannot send another one.
    is_guess = request.method == "POST" and bool(request.POST.get("code"))
    return is_guess and not state.get("code_confirmed")


def _takes_place(state: dict[str, Any], *, of: int) -> bool:
    name = f"tries:{began_at(state)}:{state.get('user_id')}:{state['email']}"
    seconds = int(LASTS.total_seconds())
    return any(cache.add(f"{name}:{place}", True, seconds) for place in range(of))
