import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.contrib.admin.models import LogEntry
from django.db import connections, transaction
from django.db.models import QuerySet
from django.utils import translation

from accounts import emails, rate_limits, unverified
from accounts.mfa.adapter import FACTORS, sealed
from accounts.models import (
    CONSENT_VERSION,
    Activity,
    Invitation,
    Profile,
    ProfileContents,
    User,
)
from accounts.sessions.devices import key_of
from accounts.unverified import step_aside
from mail.actions import enqueue
from vault.sessions import Session

logger = logging.getLogger(__name__)

INVITATION_LASTS = timedelta(days=14)
# How long what happened to an account can be looked up, and an invitation that is over.
KEPT = timedelta(days=90)
# As much as one run deletes of a kind: it comes back within the hour.
BATCH = 5000

# Which mail says that it has happened.
TELLS_OF = {
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
    """An account whose address needs no code any more: for operators, trying out and tests."""
    person = User.objects.create_user(
        email, password, joined_at=now, consented_at=now, consent_version=CONSENT_VERSION
    )
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    return person


@transaction.atomic
def appoint(*, person: User, password: str | None = None) -> None:
    """Make this person an operator. Their address counts as confirmed, their account as open."""
    person.is_staff = person.is_superuser = person.is_active = True
    if password:
        person.set_password(password)
    person.save(update_fields=["is_staff", "is_superuser", "is_active", "password"])
    EmailAddress.objects.update_or_create(
        user=person, email=person.email, defaults={"verified": True, "primary": True}
    )


@transaction.atomic
def open_operator(*, email: str, password: str, now: datetime) -> None:
    """An account that is an operator’s from its first moment, or none."""
    appoint(person=open_account(email=email, password=password, now=now))


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
def keep_preferences(*, person: User, name: str, language: str, now: datetime) -> None:
    """Raises CannotOpen, and then keeps nothing of it."""
    choose_name(person=person, name=name, now=now)
    person.language = language
    person.save(update_fields=["language"])


@transaction.atomic
def erase(*, person: User, now: datetime) -> None:
    """Everything of this person, at once and for good. One last mail says that it is done."""
    # Whoever asked twice has one account and hears goodbye once; what else is sent meanwhile waits.
    if not _held(person):
        return
    with translation.override(person.spoken):
        goodbye = emails.account_erased()
    enqueue(kind="account.account_erased", to=person.email, content=goodbye, now=now)
    # Those that have ended, too: until somebody tidies up they hold the address.
    _end_waiting(person)
    LogEntry.objects.filter(object_id=str(person.pk)).delete()
    person.delete()


def note_activity(*, person: User, kind: Activity.Kind, now: datetime, device: str = "") -> None:
    """What they may look up about who came in. Nothing of what was read or written."""
    Activity.objects.create(owner=person, kind=kind, at=now, device=device)


@transaction.atomic
def end_device(*, person: User, id: str, now: datetime) -> None:
    """Sign this person out of one browser, named as `accounts.sessions.devices` names it."""
    key = key_of(person, id, now=now)
    if Session.objects.of(person).filter(session_key=key).delete()[0]:
        note_activity(person=person, kind=Activity.Kind.SIGNED_OUT_ELSEWHERE, now=now)


@transaction.atomic
def end_sessions(*, person: User, but: str | None, now: datetime) -> None:
    """Sign this person out everywhere but in the session with this key. Where a sign-in is half-way
    or a code of theirs waits it is over, there too: whoever began that may have been the reason."""
    person.invalidate_pending(now=now)
    if Session.objects.of(person).exclude(session_key=but).delete()[0]:
        note_activity(person=person, kind=Activity.Kind.SIGNED_OUT_ELSEWHERE, now=now)


@transaction.atomic
def tell_of_change(
    *, person: User, kind: Activity.Kind, now: datetime, device: str = "", to: str | None = None
) -> None:
    """How one signs in has changed: they can look it up, and a mail says so."""
    note_activity(person=person, kind=kind, now=now, device=device)
    with translation.override(person.spoken):
        words = TELLS_OF[kind]()
    enqueue(kind=f"account.{kind}", to=to or person.email, content=words, now=now, person=person)


@transaction.atomic
def add_app(
    *, person: User, secret: str, here: str | None, device: str, now: datetime
) -> Authenticator | None:
    """The app that shows codes from this secret, set up in the session with the key `here`. None
    where there is one already. Raises CannotOpen."""
    if not _held(person) or _factors(person, Authenticator.Type.TOTP).exists():
        return None
    _begin_anew_with_first_factor(person, here, now)
    app = Authenticator.objects.create(
        user=person,
        type=Authenticator.Type.TOTP,
        data={"secret": sealed(person, secret)},
        created_at=now,
    )
    _make_first_codes(person, now)
    tell_of_change(person=person, kind=Activity.Kind.APP_ADDED, now=now, device=device)
    return app


@transaction.atomic
def remove_app(*, person: User, device: str, now: datetime) -> None:
    if not _held(person):
        return
    if _factors(person, Authenticator.Type.TOTP).delete()[0]:
        _end_what_needed_one(person, now)
        tell_of_change(person=person, kind=Activity.Kind.APP_REMOVED, now=now, device=device)


@transaction.atomic
def add_passkey(
    *, person: User, made: dict[str, Any], here: str | None, device: str, now: datetime
) -> Authenticator | None:
    """`made` is what `passkeys.made` keeps of it, in the session with the key `here`. None where
    there is no account any more. Raises CannotOpen."""
    if not _held(person):
        return None
    _begin_anew_with_first_factor(person, here, now)
    passkey: Authenticator = Authenticator.objects.create(
        user=person,
        type=Authenticator.Type.WEBAUTHN,
        data=made | {"name": device},
        created_at=now,
    )
    _make_first_codes(person, now)
    tell_of_change(person=person, kind=Activity.Kind.PASSKEY_ADDED, now=now, device=device)
    return passkey


@transaction.atomic
def remove_passkey(*, person: User, passkey: Authenticator, device: str, now: datetime) -> None:
    if not _held(person):
        return
    if _factors(person, Authenticator.Type.WEBAUTHN).filter(pk=passkey.pk).delete()[0]:
        _end_what_needed_one(person, now)
        tell_of_change(person=person, kind=Activity.Kind.PASSKEY_REMOVED, now=now, device=device)


@transaction.atomic
def remove_second_factor(*, person: User, now: datetime) -> bool:
    """Whether there was one. Everything that signing in asks for besides the password goes, and
    whoever is signed in, or half-way, begins anew: an operator was asked for this."""
    if not _held(person) or not _factors(person, *FACTORS).exists():
        return False
    Authenticator.objects.filter(user=person).delete()
    person.invalidate_pending(now=now)
    Session.objects.of(person).delete()
    tell_of_change(person=person, kind=Activity.Kind.SECOND_FACTOR_REMOVED, now=now)
    return True


@transaction.atomic
def make_codes(*, person: User, device: str, now: datetime) -> None:
    """Ten new recovery codes; those from before are worth nothing from now on. Raises
    CannotOpen."""
    if not _held(person) or not _factors(person, *FACTORS).exists():
        return
    _factors(person, Authenticator.Type.RECOVERY_CODES).delete()
    _make_first_codes(person, now)
    tell_of_change(person=person, kind=Activity.Kind.CODES_MADE, now=now, device=device)


@transaction.atomic
def show_codes(*, person: User, now: datetime) -> list[str]:
    """The recovery codes, once; after that none. Raises CannotOpen, also where it is not them who
    ask."""
    codes = _factors(person, Authenticator.Type.RECOVERY_CODES).select_for_update().first()
    if codes is None or codes.data.get("shown_at"):
        return []
    shown: list[str] = RecoveryCodes(codes).get_unused_codes()
    codes.data["shown_at"] = now.isoformat()
    codes.save(update_fields=["data"])
    return shown


@transaction.atomic
def make_way(*, person: User, address: str) -> bool:
    """Whether this address, whose mailbox they have shown to be theirs, can be theirs here too.

    Whoever signed up with it and never showed that has nothing here, and gives way.
    """
    others = User.objects.filter(email=address).exclude(pk=person.pk)
    return all(step_aside(other.pk) for other in others)


@transaction.atomic
def invite(*, count: int = 1, days: int = INVITATION_LASTS.days, now: datetime) -> list[Invitation]:
    """New invitations, each for one account. `invitations.link_to` says their links."""
    ends_at = now + timedelta(days=days)
    return Invitation.objects.bulk_create(
        Invitation(made_at=now, ends_at=ends_at) for _number in range(count)
    )


def tidy(*, now: datetime) -> None:
    """Delete what is kept for a time only: of accounts, sessions and activity a batch, and what is
    left waits for the next run; of invitations and of what limits count, all.

    A kind that cannot be deleted keeps no other from it: it is logged, and at the end all that
    broke is raised. Safe to run any number of times at once: what is gone is gone.
    """
    broken = []
    for kind, delete in KEPT_FOR_A_TIME.items():
        try:
            delete(now=now)
        except Exception as error:
            # Also where the worker’s time is up: the others take a moment of what little is left.
            logger.error("cannot be tidied", extra={"kind": kind}, exc_info=error)
            broken.append(error)
            # One of them may have been left in the middle of a statement.
            connections.close_all()
    if broken:
        raise ExceptionGroup("tidied in part", broken)


def _delete_sessions(*, now: datetime) -> None:
    ended = Session.objects.expired(now).order_by("expire_date")
    Session.objects.filter(pk__in=list(ended.values_list("pk", flat=True)[:BATCH])).delete()


def _delete_activity(*, now: datetime) -> None:
    old = Activity.objects.older_than(KEPT, now=now).order_by("at")
    Activity.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:BATCH])).delete()


def _delete_invitations(*, now: datetime) -> None:
    Invitation.objects.over_for(KEPT, now=now).delete()


KEPT_FOR_A_TIME: dict[str, Callable[..., object]] = {
    "accounts": unverified.delete_old,
    "sessions": _delete_sessions,
    "activity": _delete_activity,
    "invitations": _delete_invitations,
    "limits": rate_limits.forget_old,
}


def _factors(person: User, *kinds: str) -> QuerySet[Authenticator]:
    rows: QuerySet[Authenticator] = Authenticator.objects.filter(user=person, type__in=kinds)
    return rows


def _begin_anew_with_first_factor(person: User, here: str | None, now: datetime) -> None:
    """Sessions from before it were never asked for it: whoever is in one knows the password."""
    if not _factors(person, *FACTORS).exists():
        end_sessions(person=person, but=here, now=now)


def _make_first_codes(person: User, now: datetime) -> None:
    if not _factors(person, Authenticator.Type.RECOVERY_CODES).exists():
        Authenticator.objects.create(
            user=person,
            type=Authenticator.Type.RECOVERY_CODES,
            data={"seed": sealed(person, RecoveryCodes.generate_seed()), "used_mask": 0},
            created_at=now,
        )


def _end_what_needed_one(person: User, now: datetime) -> None:
    """Recovery codes stand in for a second factor: without one they would be one. And a sign-in
    that waits for one would wait for ever."""
    if not _factors(person, *FACTORS).exists():
        _factors(person, Authenticator.Type.RECOVERY_CODES).delete()
        person.invalidate_pending(now=now)


def _held(person: User) -> bool:
    """Whether they still have an account; if so, nobody else changes it until we are done."""
    return User.objects.for_update().filter(pk=person.pk).exists()


def _end_waiting(person: User) -> None:
    """End the sessions of nobody yet in which a code for them waits, or half a sign-in: they hold
    the address, and have to be looked into. Those where they are signed in go with the account."""
    # Quoted: ann@example.org stands in joann@example.org too.
    signs = (str(person.pk), person.pk.hex, json.dumps(person.email, ensure_ascii=False))
    waiting = []
    sessions = Session.objects.anonymous().only("session_data")
    for session in sessions.iterator(chunk_size=500):
        contents = json.dumps(session.get_decoded(), ensure_ascii=False)
        if any(sign in contents for sign in signs):
            waiting.append(session.pk)
    Session.objects.filter(pk__in=waiting).delete()
