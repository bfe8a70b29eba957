import json
import logging
from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.utils import translation

from accounts import emails
from accounts.models import User
from accounts.retried_transaction import retried_transaction
from accounts.returned_forms import form_waits_of
from mail.actions import enqueue, skip_all_to
from vault.primary_key_check import CannotSeal
from vault.sessions import Session

logger = logging.getLogger(__name__)


def erase(*, person: User, now: datetime) -> None:
    """Delete this person and everything of theirs, and mail a confirmation.

    Call it outside a transaction: only there is a deadlock with a page that still writes retried.
    """
    # Committed first: no other page of theirs begins to write while the rest is deleted.
    retried_transaction(Session.objects.of(person).delete)()
    _erase(person.pk, now=now)


@retried_transaction
def _erase(person_id: UUID, *, now: datetime) -> None:
    # Erased twice at once: the second request waits here, then finds no account and mails nothing.
    person = User.objects.lock_for_deletion(person_id)
    if person is None:
        return
    skip_all_to(person.email, reason="account erased", now=now)
    _say_goodbye(person, now=now)
    Session.objects.filter(pk__in=list(_sessions_of_others_with_traces(person))).delete()
    LogEntry.objects.filter(object_id=str(person.pk)).delete()
    person.delete()


def _say_goodbye(person: User, *, now: datetime) -> None:
    with translation.override(person.active_language):
        content = emails.account_erased()
    try:
        enqueue(kind="account.account_erased", to=person.email, content=content, now=now)
    except CannotSeal:
        # Erasing must not wait until the master key is in order, and nobody may be left signed out
        # of an account that is still there.
        logger.error("the mail that confirms an erased account cannot be sealed: it is not sent")


def _sessions_of_others_with_traces(person: User) -> Iterator[str]:
    """Find the sessions in which a code for this person, a pending sign-in or a form of theirs is
    stored, expired ones included. Only opening each one finds them: those of people who are signed
    in hold forms at most, for an hour.

    Sessions in which the person is signed in are deleted with the account.
    """
    # With its quotes: ann@example.org is also part of joann@example.org.
    traces = (str(person.pk), person.pk.hex, json.dumps(person.email, ensure_ascii=False))
    sessions = Session.objects.with_something_of_others().only("session_data", "owner")
    for session in sessions.iterator(chunk_size=500):
        contents = session.get_decoded()
        # What others have entered while signed in is theirs: only a form is not.
        written = "" if session.owner_id else json.dumps(contents, ensure_ascii=False)
        if form_waits_of(contents, person.pk) or any(trace in written for trace in traces):
            yield session.pk
