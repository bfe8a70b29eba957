"""The parts of allauth that we use although its documentation does not promise them.

An upgrade may move or change them without notice: all other modules import them from here, and
`tests/accounts/test_allauth_internals.py` reports what changed.
"""

from typing import NamedTuple, TypedDict

from allauth.account.authentication import (
    AUTHENTICATION_METHODS_SESSION_KEY,
    get_authentication_records,
)
from allauth.account.internal.flows.code_verification import AbstractCodeVerificationProcess
from allauth.account.internal.flows.email_verification_by_code import (
    EMAIL_VERIFICATION_CODE_SESSION_KEY,
    EmailVerificationProcess,
)
from allauth.account.internal.flows.login import record_authentication
from allauth.account.internal.flows.manage_email import add_email, sync_user_email_address
from allauth.account.internal.flows.password_reset_by_code import (
    PASSWORD_RESET_VERIFICATION_SESSION_KEY,
    PasswordResetVerificationProcess,
)
from allauth.account.internal.flows.reauthentication import (
    STATE_SESSION_KEY as REAUTHENTICATION_STATE_SESSION_KEY,
)
from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from allauth.account.internal.stagekit import LOGIN_SESSION_KEY, clear_login
from allauth.core.internal import ratelimit
from allauth.mfa.internal.flows.add import validate_can_add_authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.webauthn.internal import auth as webauthn
from django.http import HttpRequest

__all__ = [
    "AUTHENTICATION_METHODS_SESSION_KEY",
    "EMAIL_VERIFICATION_CODE_SESSION_KEY",
    "LOGIN_SESSION_KEY",
    "PASSWORD_RESET_VERIFICATION_SESSION_KEY",
    "REAUTHENTICATION_STATE_SESSION_KEY",
    "AbstractCodeVerificationProcess",
    "AuthenticationRecord",
    "CodeState",
    "EmailVerificationProcess",
    "PasswordResetVerificationProcess",
    "PendingLogin",
    "RecoveryCodes",
    "add_email",
    "authentication_records",
    "clear_login",
    "did_recently_reauthenticate",
    "pending_login",
    "ratelimit",
    "record_authentication",
    "sync_user_email_address",
    "totp",
    "user_of_login_stage",
    "validate_can_add_authenticator",
    "webauthn",
]


class AuthenticationRecord(TypedDict):
    """A proof of identity that allauth has recorded in the session."""

    method: str
    # Seconds since the epoch.
    at: float


class CodeState(TypedDict, total=False):
    """A pending mailed code, as allauth stores it in the session."""

    # When it was sent, in seconds since the epoch.
    at: float
    email: str
    user_id: str
    resend_count: int
    code_confirmed: bool
    # Ours: see `mailed_code_attempts.FIRST_SENT_AT` and `decoy_queries.NO_ACCOUNT`.
    began_at: float
    nobody: bool


class PendingLogin(NamedTuple):
    """A login that still needs a stage, such as the second factor."""

    # None if allauth only pretends, for an address that cannot sign up.
    user_pk: str | None
    # Seconds since the epoch.
    initiated_at: float
    # The key of the stage that comes next, such as `AuthenticateStage.key`.
    stage: str | None


def authentication_records(request: HttpRequest, user: object) -> list[AuthenticationRecord]:
    """Return the proofs recorded in this session, if they are this user's."""
    return list(get_authentication_records(request, user))


def pending_login(request: HttpRequest) -> PendingLogin | None:
    """Return the login that is pending in this session."""
    login = request.session.get(LOGIN_SESSION_KEY)
    if not login:
        return None
    stage = login["state"]["stages"].get("current")
    return PendingLogin(login["user_pk"], login["initiated_at"], stage)


def user_of_login_stage(request: HttpRequest) -> object:
    """Return the user whose pending login this request continues: they have shown their password
    and are not signed in yet."""
    stage = getattr(request, "_login_stage", None)
    return stage.login.user if stage else None
