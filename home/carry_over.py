"""Carry over what was begun without an account (ADR 30).

Two people may share a browser. So this happens by itself only for the account that was made from
the answer's own button; anybody else is asked, and sees no word before they have decided.
"""

from contextlib import suppress
from datetime import datetime
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import sign_up_origin
from accounts.models import User
from healing.actions import carry_over_answer
from healing.visitor_answers import MAX_BYTES, drop_visitor_answers, visitor_answers
from vault.sealing import CannotOpen
from vault.storage_quota import QuotaExceeded, measure


@transaction.atomic
def carry_over(*, person: User, session: SessionBase, now: datetime) -> None:
    """Seal all answers of this browser under the person's key, and drop them from the session.

    Raises QuotaExceeded and CannotOpen; then they stay where they are.
    """
    answers = visitor_answers(session, now=now)
    if not measure(person.pk).has_room_for(len(answers), MAX_BYTES):
        raise QuotaExceeded
    for answer in answers:
        carry_over_answer(person=person, answer=answer, now=now)
    drop_visitor_answers(session, *(answer.id for answer in answers), now=now)


def page_after_sign_in(request: HttpRequest, person: User, address: str) -> str:
    """Carry over at once, or return the address of the page that asks."""
    session, now = request.session, timezone.now()
    begun = sign_up_origin.about(session, person)
    sign_up_origin.forget(session)
    answers = visitor_answers(session, now=now)
    if not answers:
        return address
    if {str(answer.id) for answer in answers}.issubset(begun):
        with suppress(CannotOpen, QuotaExceeded):
            carry_over(person=person, session=session, now=now)
            messages.info(request, carried_over_message())
            return address
    # An answer that was written after the button was pressed may be somebody else's: ask.
    return f"{reverse('home:carry_over')}?{urlencode({'next': address})}"


def carried_over_message() -> str:
    return _("What you saved without an account is in your account now.")
