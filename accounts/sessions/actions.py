from datetime import datetime

from django.db import transaction

from accounts.models import Activity, User
from accounts.security_notices import record_activity
from accounts.sessions.devices import find_session_key
from vault.sessions import Session


@transaction.atomic
def end_device(*, person: User, id: str, now: datetime) -> None:
    """Sign this person out of the browser with this `Device.id`."""
    key = find_session_key(person, id, now=now)
    if Session.objects.of(person).filter(session_key=key).delete()[0]:
        record_activity(person=person, kind=Activity.Kind.SIGNED_OUT_ELSEWHERE, now=now)


@transaction.atomic
def end_sessions(*, person: User, except_key: str | None, now: datetime) -> None:
    """End every session of this person but the one with this key, and invalidate their pending
    sign-ins and codes: an intruder may have started those."""
    person.invalidate_pending(now=now)
    if Session.objects.of(person).exclude(session_key=except_key).delete()[0]:
        record_activity(person=person, kind=Activity.Kind.SIGNED_OUT_ELSEWHERE, now=now)
