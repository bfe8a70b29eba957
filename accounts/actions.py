import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from django.contrib.admin.models import LogEntry
from django.db import connections, transaction
from django.utils import translation

from accounts import emails, mail_rate_limits, unverified
from accounts.models import (
    CONSENT_VERSION,
    Activity,
    Invitation,
    Profile,
    ProfileContents,
    User,
)
from accounts.sessions.devices import find_session_key
from accounts.unverified import release_address
from mail.actions import enqueue
from vault.sessions import Session

logger = logging.getLogger(__name__)

INVITATION_LASTS = timedelta(days=14)
# How long account activity can be looked up, and invitations are stored after their end.
RETENTION = timedelta(days=90)
# How many rows of one table a run of `tidy` deletes; it runs every hour.
BATCH_SIZE = 5000

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


@transaction.atomic
def open_account(*, email: str, password: str, now: datetime) -> User:
    """Create an account with a verified address, as operators, the demo and tests need it."""
    person = User.objects.create_user(
        email, password, joined_at=now, consented_at=now, consent_version=CONSENT_VERSION
    )
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    return person


@transaction.atomic
def make_operator(*, person: User, password: str | None = None) -> None:
    """Give this person the admin, activate their account and verify their address."""
    person.is_staff = person.is_superuser = person.is_active = True
    if password:
        person.set_password(password)
    person.save(update_fields=["is_staff", "is_superuser", "is_active", "password"])
    EmailAddress.objects.update_or_create(
        user=person, email=person.email, defaults={"verified": True, "primary": True}
    )


@transaction.atomic
def open_operator_account(*, email: str, password: str, now: datetime) -> None:
    make_operator(person=open_account(email=email, password=password, now=now))


@transaction.atomic
def choose_name(*, person: User, name: str, now: datetime) -> None:
    """Seal the name this person wishes to be called by; an empty name deletes the row.

    Raises CannotOpen, and then leaves the stored name alone: never overwrite what is unreadable.
    """
    # There may be no profile row to lock yet: lock the account, or two requests insert one each.
    User.objects.lock_row(person.pk)
    profile = Profile.objects.of(person).first()
    if profile is not None:
        profile.open(person.key)
    if not name:
        Profile.objects.of(person).delete()
    elif profile is None:
        Profile.sealed_by(person.key, ProfileContents(name), now=now).save()
    else:
        profile.seal(person.key, ProfileContents(name), now=now)
        profile.save()
    person.preferred_name = name


@transaction.atomic
def save_preferences(*, person: User, name: str, language: str, now: datetime) -> None:
    """Raises CannotOpen, and then saves none of them."""
    choose_name(person=person, name=name, now=now)
    person.language = language
    person.save(update_fields=["language"])


@transaction.atomic
def erase(*, person: User, now: datetime) -> None:
    """Delete this person and everything of theirs, and mail a confirmation."""
    # Erased twice at once: the second request waits here, then finds no account and mails nothing.
    if not User.objects.lock_row(person.pk):
        return
    with translation.override(person.active_language):
        content = emails.account_erased()
    enqueue(kind="account.account_erased", to=person.email, content=content, now=now)
    _delete_anonymous_sessions_naming(person)
    LogEntry.objects.filter(object_id=str(person.pk)).delete()
    person.delete()


def record_activity(*, person: User, kind: Activity.Kind, now: datetime, device: str = "") -> None:
    Activity.objects.create(owner=person, kind=kind, at=now, device=device)


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


@transaction.atomic
def notify_of_change(
    *, person: User, kind: Activity.Kind, now: datetime, device: str = "", to: str | None = None
) -> None:
    """Record a change of how this person signs in, and mail them about it."""
    record_activity(person=person, kind=kind, now=now, device=device)
    with translation.override(person.active_language):
        content = MAIL_OF[kind]()
    enqueue(kind=f"account.{kind}", to=to or person.email, content=content, now=now, person=person)


@transaction.atomic
def free_address(*, person: User, address: str) -> bool:
    """Take this address from unverified accounts, once its mailbox has been shown to be this
    person's. Returns False if somebody else has verified it."""
    others = User.objects.filter(email=address).exclude(pk=person.pk)
    return all(release_address(other.pk) for other in others)


@transaction.atomic
def invite(*, count: int = 1, days: int = INVITATION_LASTS.days, now: datetime) -> list[Invitation]:
    """Create invitations, each good for one account; `invitations.link_to` makes their links."""
    ends_at = now + timedelta(days=days)
    return Invitation.objects.bulk_create(
        Invitation(made_at=now, ends_at=ends_at) for _number in range(count)
    )


def tidy(*, now: datetime) -> None:
    """Delete what has expired: one batch of accounts, sessions and activity, and all invitations
    and rate-limit counts.

    One kind that fails is logged and does not stop the others; all errors are raised at the end.
    Safe to run concurrently.
    """
    errors = []
    for kind, delete in EXPIRED.items():
        try:
            delete(now=now)
        except Exception as error:
            # Also Celery's soft time limit: the others get what is left of the time.
            logger.error("cannot be tidied", extra={"kind": kind}, exc_info=error)
            errors.append(error)
            # The time limit may have interrupted a statement, which leaves its connection unusable.
            connections.close_all()
    if errors:
        raise ExceptionGroup("tidied in part", errors)


def _delete_sessions(*, now: datetime) -> None:
    ended = Session.objects.expired(now).order_by("expire_date")
    Session.objects.filter(pk__in=list(ended.values_list("pk", flat=True)[:BATCH_SIZE])).delete()


def _delete_activity(*, now: datetime) -> None:
    old = Activity.objects.older_than(RETENTION, now=now).order_by("at")
    Activity.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:BATCH_SIZE])).delete()


def _delete_invitations(*, now: datetime) -> None:
    Invitation.objects.unusable_for(RETENTION, now=now).delete()


EXPIRED: dict[str, Callable[..., object]] = {
    "accounts": unverified.delete_old,
    "sessions": _delete_sessions,
    "activity": _delete_activity,
    "invitations": _delete_invitations,
    "limits": mail_rate_limits.delete_expired,
}


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
