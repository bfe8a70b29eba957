"""Add and remove authenticator apps, passkeys and recovery codes.

Each action locks the account first, so that two requests cannot both add the first factor or both
remove the last one, and does nothing where the account has been erased meanwhile.
"""

from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import QuerySet

from accounts.allauth_internals import RecoveryCodes
from accounts.mfa.adapter import SECOND_FACTORS, seal_seed
from accounts.models import Activity, User
from accounts.security_notices import notify_of_change
from accounts.sessions.actions import end_sessions
from vault.sessions import Session

# More than one person has devices for. Each is checked at a sign-in.
MAX_PASSKEYS = 10


@transaction.atomic
def add_app(
    *, person: User, secret: str, session_key: str | None, device: str, now: datetime
) -> Authenticator | None:
    """Store an authenticator app that shows codes from this secret. A first second factor ends all
    sessions but the one with `session_key`.

    Returns None if there is an app already. Raises CannotOpen.
    """
    if not User.objects.lock_row(person.pk):
        return None
    if _factors(person, Authenticator.Type.TOTP).exists():
        return None
    _end_sessions_before_first_factor(person, session_key, now)
    app = Authenticator.objects.create(
        user=person,
        type=Authenticator.Type.TOTP,
        data={"secret": seal_seed(person, secret)},
        created_at=now,
    )
    _create_missing_recovery_codes(person, now)
    notify_of_change(person=person, kind=Activity.Kind.APP_ADDED, now=now, device=device)
    return app


@transaction.atomic
def remove_app(*, person: User, device: str, now: datetime) -> None:
    if not User.objects.lock_row(person.pk):
        return
    if _factors(person, Authenticator.Type.TOTP).delete()[0]:
        _clean_up_after_last_factor(person, now)
        notify_of_change(person=person, kind=Activity.Kind.APP_REMOVED, now=now, device=device)


@transaction.atomic
def add_passkey(
    *, person: User, data: dict[str, Any], session_key: str | None, device: str, now: datetime
) -> Authenticator | None:
    """Store a passkey: `data` as `passkeys.verify_registration` returns it. A first second factor
    ends all sessions but the one with `session_key`.

    Returns None if the account is gone or has MAX_PASSKEYS. Raises CannotOpen.
    """
    if not User.objects.lock_row(person.pk) or has_most_passkeys(person):
        return None
    _end_sessions_before_first_factor(person, session_key, now)
    passkey: Authenticator = Authenticator.objects.create(
        user=person,
        type=Authenticator.Type.WEBAUTHN,
        data=data | {"name": device},
        created_at=now,
    )
    _create_missing_recovery_codes(person, now)
    notify_of_change(person=person, kind=Activity.Kind.PASSKEY_ADDED, now=now, device=device)
    return passkey


def has_most_passkeys(person: User) -> bool:
    return _factors(person, Authenticator.Type.WEBAUTHN).count() >= MAX_PASSKEYS


@transaction.atomic
def remove_passkey(*, person: User, passkey: Authenticator, device: str, now: datetime) -> None:
    if not User.objects.lock_row(person.pk):
        return
    if _factors(person, Authenticator.Type.WEBAUTHN).filter(pk=passkey.pk).delete()[0]:
        _clean_up_after_last_factor(person, now)
        notify_of_change(person=person, kind=Activity.Kind.PASSKEY_REMOVED, now=now, device=device)


@transaction.atomic
def remove_second_factor(*, person: User, now: datetime) -> bool:
    """Remove everything that signing in asks for besides the password, and end all sessions and
    pending sign-ins: for an operator who was asked to. Returns whether there was a factor."""
    if not User.objects.lock_row(person.pk) or not _factors(person, *SECOND_FACTORS).exists():
        return False
    Authenticator.objects.filter(user=person).delete()
    person.invalidate_pending(now=now)
    Session.objects.of(person).delete()
    notify_of_change(person=person, kind=Activity.Kind.SECOND_FACTOR_REMOVED, now=now)
    return True


@transaction.atomic
def replace_recovery_codes(*, person: User, device: str, now: datetime) -> None:
    """Create ten new recovery codes; the old ones stop working. Raises CannotOpen."""
    if not User.objects.lock_row(person.pk) or not _factors(person, *SECOND_FACTORS).exists():
        return
    _factors(person, Authenticator.Type.RECOVERY_CODES).delete()
    _create_missing_recovery_codes(person, now)
    notify_of_change(person=person, kind=Activity.Kind.CODES_MADE, now=now, device=device)


@transaction.atomic
def show_recovery_codes(*, person: User, now: datetime) -> list[str]:
    """Return the unused recovery codes the first time, an empty list from then on. Raises
    CannotOpen, also where the request is somebody else's."""
    codes = _factors(person, Authenticator.Type.RECOVERY_CODES).select_for_update().first()
    if codes is None or codes.data.get("shown_at"):
        return []
    unused: list[str] = RecoveryCodes(codes).get_unused_codes()
    codes.data["shown_at"] = now.isoformat()
    codes.save(update_fields=["data"])
    return unused


def _factors(person: User, *types: str) -> QuerySet[Authenticator]:
    rows: QuerySet[Authenticator] = Authenticator.objects.filter(user=person, type__in=types)
    return rows


def _end_sessions_before_first_factor(person: User, session_key: str | None, now: datetime) -> None:
    """Sessions begun earlier were never asked for a second factor: somebody who knows only the
    password may be in one."""
    if not _factors(person, *SECOND_FACTORS).exists():
        end_sessions(person=person, except_key=session_key, now=now)


def _create_missing_recovery_codes(person: User, now: datetime) -> None:
    if not _factors(person, Authenticator.Type.RECOVERY_CODES).exists():
        Authenticator.objects.create(
            user=person,
            type=Authenticator.Type.RECOVERY_CODES,
            data={"seed": seal_seed(person, RecoveryCodes.generate_seed()), "used_mask": 0},
            created_at=now,
        )


def _clean_up_after_last_factor(person: User, now: datetime) -> None:
    """Recovery codes only stand in for a second factor: left alone they would be one. A sign-in
    that still waits for the factor could never finish."""
    if not _factors(person, *SECOND_FACTORS).exists():
        _factors(person, Authenticator.Type.RECOVERY_CODES).delete()
        person.invalidate_pending(now=now)
