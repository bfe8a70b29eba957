import json
from collections.abc import Iterator
from datetime import datetime

from allauth.account.models import EmailAddress
from allauth.core import ratelimit
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest
from django.utils import translation

from accounts import emails
from accounts.models import CONSENT_VERSION, Profile, ProfileContents, User
from mail.actions import post

# Limits that count per person keep their id in the cache until they run out.
PERSONAL_LIMITS = ("change_password", "manage_email", "reauthenticate")


@transaction.atomic
def open_account(*, email: str, password: str, now: datetime) -> User:
    """An account whose address needs no code any more: for operators, trying out and tests."""
    person = User.objects.create_user(
        email, password, joined_at=now, consented_at=now, consent_version=CONSENT_VERSION
    )
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    return person


@transaction.atomic
def choose_name(*, person: User, name: str, now: datetime) -> None:
    """What to call them from now on. No name is no row. Raises CannotOpen, and then keeps what
    is there: what does not open is never written over."""
    # One at a time: while there is no profile, there is no row of it to wait for.
    _held(person)
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
    person.called = name


@transaction.atomic
def keep_preferences(
    *, person: User, name: str, language: str, time_zone: str, now: datetime
) -> None:
    """Raises CannotOpen, and then keeps nothing of it."""
    choose_name(person=person, name=name, now=now)
    person.language = language
    person.time_zone = time_zone
    person.save(update_fields=["language", "time_zone"])


@transaction.atomic
def erase(*, person: User, now: datetime) -> None:
    """Everything of this person, at once and for good. One last mail says that it is done."""
    # Whoever asked twice has one account and hears goodbye once; what else is sent meanwhile waits.
    if not _held(person):
        return
    with translation.override(person.spoken):
        goodbye = emails.account_erased()
    post(kind="account.account_erased", to=person.email, words=goodbye, now=now)
    for limit in PERSONAL_LIMITS:
        ratelimit.clear(None, action=limit, user=person)
    Session.objects.filter(pk__in=list(_sessions_of(person))).delete()
    LogEntry.objects.filter(object_id=str(person.pk)).delete()
    person.delete()


def may_guess(request: HttpRequest, person: User) -> bool:
    """Whether one more password may be tried here. Counts together with the lock's own tries."""
    return bool(ratelimit.consume(request, action="reauthenticate", user=person))


def _held(person: User) -> bool:
    """Whether they still have an account; if so, nobody else changes it until we are done."""
    # Rows that point to this one can still be added meanwhile: only their key matters to them.
    return User.objects.select_for_update(no_key=True).filter(pk=person.pk).exists()


def _sessions_of(person: User) -> Iterator[str]:
    """Where they are signed in, and where a code for them still waits."""
    # Quoted: ann@example.org stands in joann@example.org too.
    signs = (str(person.pk), person.pk.hex, json.dumps(person.email, ensure_ascii=False))
    for session in Session.objects.iterator(chunk_size=500):
        contents = json.dumps(session.get_decoded(), ensure_ascii=False)
        if any(sign in contents for sign in signs):
            yield session.pk
