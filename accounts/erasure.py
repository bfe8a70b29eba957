import json
from datetime import datetime
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.utils import translation

from accounts import emails
from accounts.models import User
from accounts.retried_transaction import retried_transaction
from mail.actions import enqueue
from vault.sessions import Session


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
    with translation.override(person.active_language):
        content = emails.account_erased()
    enqueue(kind="account.account_erased", to=person.email, content=content, now=now)
    _delete_anonymous_sessions_naming(person)
    LogEntry.objects.filter(object_id=str(person.pk)).delete()
    person.delete()


def _delete_anonymous_sessions_naming(person: User) -> None:
    """Delete the sessions without an owner in which a code for this person or a pending sign-in
    is stored, expired ones included. They contain the address, and only opening each one finds it.

    Sessions in which the person is signed in are deleted with the account.
    """
    # With its quotes: ann@example.org is also part of joann@example.org.
    traces = (str(person.pk), person.pk.hex, json.dumps(person.email, ensure_ascii=False))
    found = []
    sessions = Session.objects.anonymous().only("session_data")
    for session in sessions.iterator(chunk_size=500):
        contents = json.dumps(session.get_decoded(), ensure_ascii=False)
        if any(trace in contents for trace in traces):
            found.append(session.pk)
    Session.objects.filter(pk__in=found).delete()
