"""An exact limit on guesses at a mailed code.

allauth counts guesses in the session: concurrent guesses all read the same count, and each of them
is checked. So every guess first takes one of a few slots, each a cache row that only one request
can add.
"""

from datetime import timedelta
from typing import Final

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.allauth_internals import AbstractCodeVerificationProcess, CodeState

# Longer than a code can be entered, even one that was sent again.
SLOTS_LAST = timedelta(hours=1)
# In the code's state: when the first code was sent. `at` is that moment too, until the code is sent
# again or its entry starts the time for the new password.
FIRST_SENT_AT: Final = "began_at"


def refuse_excess_guess(
    request: HttpRequest, process: AbstractCodeVerificationProcess | None
) -> HttpResponse | None:
    """Return the response to a guess for which no slot is left, and abort the process: its code is
    not checked. None for every other request."""
    if process is None or not _is_guess(request, process.state):
        return None
    if _take_slot(process.state, slots=process.max_attempts):
        return None
    process.abort()
    messages.error(request, get_adapter().error_messages["too_many_login_attempts"])
    return redirect("account_login")


def restarted(state: CodeState, *, at: float) -> CodeState:
    """Return the state of a code that was sent again: it expires later, and earlier guesses still
    count."""
    return state | {"at": at, FIRST_SENT_AT: first_sent_at(state)}


def first_sent_at(state: CodeState) -> float:
    """In seconds since the epoch. To the microsecond, it identifies the code: the session's key
    would not, since it changes whenever a person leaves in a hurry."""
    return float(state.get(FIRST_SENT_AT, state["at"]))


def _is_guess(request: HttpRequest, state: CodeState) -> bool:
    # Also with `action=resend`: if allauth cannot send another code, it checks the posted one.
    is_guess = request.method == "POST" and bool(request.POST.get("code"))
    return is_guess and not state.get("code_confirmed")


def _take_slot(state: CodeState, *, slots: int) -> bool:
    name = f"tries:{first_sent_at(state)}:{state.get('user_id')}:{state['email']}"
    seconds = int(SLOTS_LAST.total_seconds())
    return any(cache.add(f"{name}:{slot}", True, seconds) for slot in range(slots))
