import json
from datetime import datetime, timedelta
from uuid import UUID

from allauth.account.models import EmailAddress
from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.utils import translation

from accounts import emails
from accounts.models import (
    CONSENT_VERSION,
    Activity,
    Invitation,
    Profile,
    ProfileContents,
    User,
)
from accounts.retried_transaction import retried_transaction
from accounts.unverified import release_address
from mail.actions import enqueue
from vault.sessions import Session

INVITATION_LASTS = timedelta(days=14)

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
    EmailAddress.objects.bulk_create(
        [EmailAddress(user=person, email=person.email, verified=True, primary=True)],
        update_conflicts=True,
        unique_fields=["user", "email"],
        update_fields=["verified", "primary"],
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
def save_preferences(
    *, person: User, name: str, language: str, checks_spelling: bool, now: datetime
) -> None:
    """Raises CannotOpen, and then saves none of them."""
    choose_name(person=person, name=name, now=now)
    person.language, person.checks_spelling = language, checks_spelling
    person.save(update_fields=["language", "checks_spelling"])


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
