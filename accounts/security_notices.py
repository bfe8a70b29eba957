"""Record sign-ins and changes of how one signs in, and mail people about the changes."""

from datetime import datetime

from django.db import transaction
from django.utils import translation

from accounts import emails
from accounts.models import Activity, User
from mail.actions import enqueue

MAIL_OF = {
    Activity.Kind.PASSWORD_CHANGED: emails.password_changed,
    Activity.Kind.EMAIL_CHANGED: emails.email_changed,
    Activity.Kind.APP_ADDED: emails.app_added,
    Activity.Kind.APP_REMOVED: emails.app_removed,
    Activity.Kind.PASSKEY_ADDED: emails.passkey_added,
    Activity.Kind.PASSKEY_REMOVED: emails.passkey_removed,
    Activity.Kind.CODES_MADE: emails.codes_made,
    Activity.Kind.SECOND_FACTOR_REMOVED: emails.second_factor_removed,
}


def record_activity(*, person: User, kind: Activity.Kind, now: datetime, device: str = "") -> None:
    Activity.objects.create(owner=person, kind=kind, at=now, device=device)


@transaction.atomic
def notify_of_change(
    *, person: User, kind: Activity.Kind, now: datetime, device: str = "", to: str | None = None
) -> None:
    """Record a change of how this person signs in, and mail them about it."""
    record_activity(person=person, kind=kind, now=now, device=device)
    with translation.override(person.active_language):
        content = MAIL_OF[kind]()
    enqueue(kind=f"account.{kind}", to=to or person.email, content=content, now=now, person=person)
